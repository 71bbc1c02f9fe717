"""``python -m backend.sandbox``: serve the simulators, and write the settings that point a product at them."""

import argparse
import os
import socket
import ssl
import sys
from pathlib import Path

import httpx
import uvicorn

from backend.core import clock
from backend.sandbox.app import Sandbox, build_sandbox


def main() -> None:
    arguments = _arguments()
    test_clock = os.environ.get("CAMP_TEST_CLOCK")
    if test_clock:
        clock.use_test_clock(Path(test_clock))
    listener = socket.create_server((arguments.host, arguments.port))
    host, port = listener.getsockname()[:2]
    sandbox = build_sandbox(
        base_url=arguments.base_url or f"http://{host}:{port}",
        notify_transport=_Trusting(arguments.trust) if arguments.trust else None,
    )
    settings = sandbox.environment(arguments.keys_dir.absolute())
    if test_clock:
        settings["CAMP_TEST_CLOCK"] = str(Path(test_clock).absolute())
    _write_private(arguments.env_file, _env_text(settings, _try_out_planet(sandbox)))
    sys.stdout.write(f"sandbox: {sandbox.base_url}/\nsettings: {arguments.env_file}\n")
    sys.stdout.flush()
    config = uvicorn.Config(sandbox.app, log_level="warning", ws="none", timeout_graceful_shutdown=2)
    uvicorn.Server(config).run(sockets=[listener])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m backend.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000, help="0: any free port")
    parser.add_argument("--base-url", help="how the product and browsers reach it, if not by host and port")
    parser.add_argument("--keys-dir", type=Path, required=True, help="folder for the key files, made if absent")
    parser.add_argument("--env-file", type=Path, required=True, help="file to write the CAMP_* settings to")
    parser.add_argument("--trust", type=Path, help="certificate of the product's web server, if no authority knows it")
    return parser.parse_args()


class _Trusting(httpx.AsyncBaseTransport):
    """Trusts the product's self-signed certificate. Each notification uses a new connection."""

    def __init__(self, certificate: Path) -> None:
        self._context = ssl.create_default_context(cafile=str(certificate))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        async with httpx.AsyncHTTPTransport(verify=self._context) as transport:
            response = await transport.handle_async_request(request)
            return httpx.Response(response.status_code, headers=response.headers, content=await response.aread())


def _try_out_planet(sandbox: Sandbox) -> list[str]:
    """Create a sample planet. Return lines with the values to enter in the product."""
    group_id = sandbox.zsxq.add_group("沙箱星球")
    checkin_id = sandbox.zsxq.add_project("7 天打卡训练营")
    for name in ("清风徐来", "小满", "Lily", "阿哲", "南山南"):
        sandbox.zsxq.join(sandbox.zsxq.add_member(name), checkin_id)
    return [
        f"知识星球 group_id: {group_id}",
        f"知识星球 cookie: zsxq_access_token={sandbox.zsxq.issue_token()}",
        f"打卡项目 checkin_id: {checkin_id}",
    ]


def _env_text(settings: dict[str, str], notes: list[str]) -> str:
    lines = [f"# {note}" for note in notes] + [f"{name}={value}" for name, value in settings.items()]
    return "\n".join(lines) + "\n"


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()
