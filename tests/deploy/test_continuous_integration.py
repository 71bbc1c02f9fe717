"""What runs on a change is what a person runs: ``.ci/run``, the Makefile, the hooks before a commit, the workflow."""

import configparser
import json
import re
import tomllib
from typing import Any

import pytest
import yaml

from tests.deploy.nginx import ROOT

# YAML 1.1 reads the key ``on`` as true.
WORKFLOW: dict[Any, Any] = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
JOBS: dict[str, dict[str, Any]] = WORKFLOW["jobs"]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
MAKEFILE = (ROOT / "Makefile").read_text()
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
FRONT_ENDS = ("admin-web", "h5-member")


def steps(job: str, key: str) -> list[Any]:
    return [step[key] for step in JOBS[job]["steps"] if key in step]


def version_of(action: str) -> str:
    [found] = [step["with"] for step in JOBS["check-and-test"]["steps"] if action in step.get("uses", "")]
    [version] = [value for key, value in found.items() if key.endswith("-version")]
    assert isinstance(version, str), "3.10 would be read as a number"
    return version


def test_the_workflow_runs_what_a_person_runs() -> None:
    assert steps("check-and-test", "run") == [".ci/run"]
    script = ROOT / ".ci/run"
    assert script.stat().st_mode & 0o111
    [commands] = re.findall(r"^exec make (.+)$", script.read_text(), re.MULTILINE)
    assert commands.split() == ["check", "test"]
    for target in commands.split():
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target


def test_the_oldest_supported_versions_are_tried() -> None:
    assert PROJECT["project"]["requires-python"] == f">={version_of('setup-python')}"
    for app in FRONT_ENDS:
        wanted = json.loads((ROOT / app / "package.json").read_text())["engines"]["node"]
        assert wanted.removeprefix(">=").split(".")[0] == version_of("setup-node")


def test_actions_are_official_and_pinned_by_major_version() -> None:
    for job in JOBS:
        for action in steps(job, "uses"):
            assert re.fullmatch(r"actions/[a-z-]+@v\d+", action), action


def test_every_image_is_built_where_it_would_be_released_from_and_nothing_is_published() -> None:
    images = JOBS["images"]
    targets = {service["build"]["target"] for service in COMPOSE["services"].values() if "build" in service}
    assert set(images["strategy"]["matrix"]["target"]) == targets
    assert images["needs"] == "check-and-test"
    assert "refs/heads/main" in images["if"]
    assert "refs/tags/v" in images["if"]
    [command] = steps("images", "run")
    assert command.startswith("docker build --target ${{ matrix.target }} ")
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert not re.search(
        r"secrets\.|\bpush:? true|docker (push|login)", (ROOT / ".github/workflows/ci.yml").read_text()
    )


def test_hooks_before_a_commit_are_the_parts_of_make_check() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    [repository] = config["repos"]
    assert repository["repo"] == "local"
    entries = [hook["entry"] for hook in repository["hooks"]]
    [parts] = re.findall(r"^CHECKS := (.*) \$\(CHECKS_OF_FRONTS\)$", MAKEFILE, re.MULTILINE)
    assert sorted(entries) == sorted(
        f"make {part}" for part in (*parts.split(), *(f"check-{app}" for app in FRONT_ENDS))
    )
    assert "check: install build $(CHECKS)" in MAKEFILE
    assert all(hook["id"] == hook["entry"].removeprefix("make ") for hook in repository["hooks"])


def test_the_folders_left_out_of_quick_tests_exist() -> None:
    [slow] = re.findall(r"^SLOW := (.*)$", MAKEFILE, re.MULTILINE)
    assert [name for name in slow.split() if not (ROOT / "tests" / name).is_dir()] == []


@pytest.mark.parametrize("app", [*FRONT_ENDS, "web-shared"])
def test_editors_are_told_what_the_formatters_write(app: str) -> None:
    editors = configparser.ConfigParser()
    editors.read_string("[root]\n" + (ROOT / ".editorconfig").read_text())
    assert editors["*.py"]["max_line_length"] == str(PROJECT["tool"]["ruff"]["line-length"])
    [pages] = [editors[name] for name in editors.sections() if "vue" in name]
    assert pages["max_line_length"] == str(json.loads((ROOT / app / ".prettierrc.json").read_text())["printWidth"])
