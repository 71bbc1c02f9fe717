"""The outside world of a test: the simulators, reached over their real protocols without sockets."""

from dataclasses import dataclass
from pathlib import Path

import httpx
from backend.sandbox.app import Sandbox, build_sandbox
from starlette.types import ASGIApp

from backend.core.config import Settings

SANDBOX_URL = "http://sandbox.test"
PUBLIC_URL = "http://testserver"


@dataclass
class World:
    """The sandbox, the product's settings for it, and the transport that leads there."""

    sandbox: Sandbox
    settings: Settings
    transport: httpx.AsyncBaseTransport

    def connect(self, app: ASGIApp) -> None:
        """Let the simulators' notifications reach ``app``."""
        self.sandbox.wechat_pay.notify_transport = httpx.ASGITransport(app=app)


def make_world(directory: Path) -> World:
    """A fresh sandbox, with the settings a product process would get from the environment."""
    sandbox = build_sandbox(base_url=SANDBOX_URL)
    environment = sandbox.environment(directory)
    nested: dict[str, dict[str, str]] = {}
    for name, value in environment.items():
        group, _, field = name.removeprefix("CAMP_").lower().partition("__")
        nested.setdefault(group, {})[field] = value
    nested.setdefault("storage", {})["local_dir"] = str(directory / "uploads")
    nested.setdefault("zsxq", {})["min_interval_seconds"] = "0"
    settings = Settings(_env_file=None, env="test", public_base_url=PUBLIC_URL, **nested)  # type: ignore[arg-type] # parsed by pydantic
    return World(sandbox, settings, httpx.ASGITransport(app=sandbox.app))
