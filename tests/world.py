"""The outside world of a test: the simulators, reached over their real protocols without sockets."""

from dataclasses import dataclass
from pathlib import Path

import httpx
from starlette.types import ASGIApp

from backend.core.config import Settings
from backend.sandbox.app import Sandbox, build_sandbox

SANDBOX_URL = "http://sandbox.test"
PUBLIC_URL = "http://testserver"


class _ToTheProduct(httpx.AsyncBaseTransport):
    """Leads notifications to the application under test, once there is one."""

    def __init__(self) -> None:
        self.app: ASGIApp | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.app is None:
            raise httpx.ConnectError("no application listens", request=request)
        return await httpx.ASGITransport(app=self.app).handle_async_request(request)


@dataclass
class World:
    """The sandbox, the product's settings for it, and the transport that leads there."""

    sandbox: Sandbox
    settings: Settings
    transport: httpx.AsyncBaseTransport
    to_the_product: _ToTheProduct

    def connect(self, app: ASGIApp) -> None:
        """Let the simulators' notifications reach ``app``."""
        self.to_the_product.app = app


def make_world(directory: Path) -> World:
    """A fresh sandbox, with the settings a product process would get from the environment."""
    to_the_product = _ToTheProduct()
    sandbox = build_sandbox(base_url=SANDBOX_URL, notify_transport=to_the_product)
    environment = sandbox.environment(directory / "keys")
    nested: dict[str, dict[str, str]] = {}
    for name, value in environment.items():
        group, _, field = name.removeprefix("CAMP_").lower().partition("__")
        nested.setdefault(group, {})[field] = value
    nested.setdefault("storage", {})["local_dir"] = str(directory / "uploads")
    # Approved refunds leave at once, unless a test is about the pause before.
    nested.setdefault("refund", {})["undo_seconds"] = "0"
    # Many tests ask more in a minute than a person would.
    nested.setdefault("limits", {})["enabled"] = "false"
    settings = Settings(_env_file=None, env="test", public_base_url=PUBLIC_URL, **nested)  # type: ignore[arg-type] # parsed by pydantic
    return World(sandbox, settings, httpx.ASGITransport(app=sandbox.app), to_the_product)
