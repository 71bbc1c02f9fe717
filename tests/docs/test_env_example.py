"""``.env.example`` names exactly the settings there are, with the defaults they have."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from backend.core.config import Settings

EXAMPLE = Path(__file__).parents[2] / ".env.example"
LINE = re.compile(r"#(CAMP_[A-Z0-9_]+)=(.*)")


def listed() -> list[tuple[str, str]]:
    """Name and value of each setting in the file, in its order."""
    return [found.groups() for line in EXAMPLE.read_text().splitlines() if (found := LINE.fullmatch(line))]  # type: ignore[misc] # two groups


def fields(model: BaseModel, prefix: str = "CAMP_") -> Iterator[tuple[str, Any]]:
    """Name in the environment and default of every setting."""
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from fields(value, f"{prefix}{name.upper()}__")
        else:
            yield f"{prefix}{name.upper()}", value


def secret(value: Any) -> bool:
    return isinstance(value, SecretStr) or (isinstance(value, list) and any(map(secret, value)))


@pytest.fixture
def defaults(monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in [name for name in os.environ if name.startswith("CAMP_")]:
        monkeypatch.delenv(name)
    return Settings(_env_file=None)


def test_every_setting_is_listed_once_and_nothing_else(defaults: Settings):
    assert sorted(name for name, _ in listed()) == sorted(name for name, _ in fields(defaults))


def test_uncommented_it_gives_the_defaults(defaults: Settings, tmp_path: Path):
    env = tmp_path / ".env"
    env.write_text("\n".join(f"{name}={value}" for name, value in listed() if value))
    assert Settings(_env_file=env) == defaults


def test_only_what_is_empty_or_secret_stands_without_a_value(defaults: Settings):
    without = {name for name, value in listed() if not value}
    assert without == {name for name, value in fields(defaults) if secret(value) or value in ("", None, [])}


def test_what_production_refuses_to_miss_is_marked(defaults: Settings):
    marked = set()
    for paragraph in EXAMPLE.read_text().split("\n\n"):
        mark = False
        for line in paragraph.splitlines():
            found = LINE.fullmatch(line)
            if found and mark:
                marked.add(found[1])
            elif not found:
                mark = "Production: required" in line
    with_cos = Settings(_env_file=None, storage=defaults.storage.model_copy(update={"kind": "cos"}))
    assert marked == {line.split(":")[0] for line in with_cos.production_problems()}
