"""The whole demo through nginx: ``python -m tests.deploy.through_nginx`` on a machine that has one.

Members, staff and the sandbox's notifications all come through https, then the front itself is looked at: redirects,
pages, caching, compression, sizes, limits, and what is said while the API is away.
"""

import asyncio
import json
import secrets
import socket
import ssl
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx

from backend.api.headers import SECURITY, STRICT_TRANSPORT
from backend.core import clock
from backend.demo import servers, system
from backend.demo.main import play
from backend.demo.processes import Processes, free_port
from backend.embedded.run_directory import run_directory
from tests.deploy.nginx import Nginx, find_nginx, running_nginx

OURS = SECURITY | {"Strict-Transport-Security": STRICT_TRANSPORT}
IMMUTABLE, PAGE = "public, max-age=31536000, immutable", "no-cache"


def main() -> int:
    program = find_nginx()
    if program is None:
        sys.stderr.write("no nginx of 1.25.1 or newer here; CAMP_NGINX may name one\n")
        return 2
    with ExitStack() as stack:
        walk_through(stack, program)
    _tell("The demo went through nginx, and its books agree.")
    return 0


def walk_through(stack: ExitStack, program: str) -> None:
    """Raises AssertionError for whatever isn't as it should be."""
    directory = stack.enter_context(run_directory("camp-nginx-"))
    private = directory / "demo"
    private.mkdir(mode=0o700)
    clock_file = private / "clock"
    clock_file.write_text(repr(system.seconds_to_morning()))
    clock.use_test_clock(clock_file)
    stack.callback(clock.use_test_clock, None)
    port = free_port()
    nginx = stack.enter_context(running_nginx(program, directory / "nginx", api_port=port))
    assert "warn" not in nginx.check, nginx.check
    processes = Processes(private)
    stack.callback(processes.stop)
    password = f"demo-{secrets.token_hex(4)}-1"
    url, sandbox_url = system.start(
        processes,
        private,
        servers=servers.addresses(stack, directory),
        clock_file=clock_file,
        password=password,
        port=port,
        front=system.Front(nginx.url, nginx.certificate),
    )
    with httpx.Client(base_url=nginx.url, verify=nginx.trust(), trust_env=False) as visitor:
        look_at_pages(visitor, nginx)
        _api(visitor, nginx, f"http://127.0.0.1:{port}")
        _who_asks(visitor, password)
        # All the demo's people share one address, and ask more than a camp's would.
        nginx.with_rate("5000r/s")
        assert asyncio.run(play(nginx.url, sandbox_url, clock_file, password, verify=nginx.trust())), "the books agree"
        assert url == f"http://127.0.0.1:{port}"
        nginx.with_rate(None)
        _floods(nginx)
        processes.stop()
        _maintenance(visitor)
    _log(nginx)


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def look_at_pages(visitor: httpx.Client, nginx: Nginx) -> None:
    """What nginx answers alone: redirects, files, caching, compression, headers, names."""
    plain = httpx.get(f"http://127.0.0.1:{nginx.http_port}/camps/1?a=b", trust_env=False)
    assert (plain.status_code, plain.headers["location"]) == (301, f"{nginx.url}/camps/1?a=b")
    assert httpx.get(f"http://127.0.0.1:{nginx.http_port}/_up", trust_env=False).text == "ok\n"
    member, console = visitor.get("/"), visitor.get("/admin/")
    for path, like in (
        ("/camps/0197", member), ("/me/messages", member), ("/index.html", member), ("/admins", member),
        ("/admin/camps/7", console), ("/admin/index.html", console),
    ):  # fmt: skip
        assert visitor.get(path).text == like.text, path
    assert member.text != console.text
    assert visitor.get("/admin").headers["location"] == "/admin/"
    for response in (member, console, visitor.get("/icon.svg")):
        assert (response.status_code, response.headers["cache-control"]) == (200, PAGE)
        _careful(response)
    assert "sha256-" in member.headers["content-security-policy"]
    _assets(visitor, nginx, member)
    for path in ("/assets/gone-1.js", "/admin/assets/gone-1.css", "/.env", "/.git/config", "/admin/.vite/manifest.json",
                 "/metrics", "/metrics/", "/_away.json", "/_not_found.json", "/nginx.conf/../.env"):  # fmt: skip
        missing = visitor.get(path)
        assert (missing.status_code, missing.json()["code"]) == (404, "not_found"), path
        assert missing.headers["cache-control"] == "no-store"
        _careful(missing)
    assert _alpn(nginx, "localhost") == "h2"
    try:
        _alpn(nginx, "evil.example.com")
    except ssl.SSLError:
        pass
    else:
        raise AssertionError("an unknown name is served")


def _assets(visitor: httpx.Client, nginx: Nginx, page: httpx.Response) -> None:
    address = next(part for part in page.text.split('"') if part.startswith("/assets/") and part.endswith(".js"))
    sizes = {}
    for encoding in ("identity", "gzip", "br"):
        with visitor.stream("GET", address, headers={"Accept-Encoding": encoding}) as asset:
            sizes[asset.headers.get("content-encoding", "identity")] = len(b"".join(asset.iter_raw()))
            assert asset.headers["cache-control"] == IMMUTABLE
            assert "Accept-Encoding" in asset.headers["vary"]
        _careful(asset)
    assert sizes["gzip"] < sizes["identity"] / 2
    if nginx.has_brotli:
        assert sizes["br"] < sizes["gzip"]
    again = visitor.get(address, headers={"If-None-Match": asset.headers["etag"], "Accept-Encoding": "identity"})
    assert again.status_code in (200, 304)
    _tell(f"a script of {sizes['identity']} bytes travels as {sizes}")


def _careful(response: httpx.Response) -> None:
    """Each header once, whoever answered."""
    for name, value in OURS.items():
        expected = [value] if name != "Strict-Transport-Security" or "x-request-id" not in response.headers else []
        assert response.headers.get_list(name) == expected, (response.url, name)
    assert len(response.headers.get_list("content-security-policy")) == 1
    assert len(response.headers.get_list("cache-control")) == 1
    assert "server" not in response.headers or response.headers["server"] == "nginx"


def _api(visitor: httpx.Client, nginx: Nginx, api_url: str) -> None:
    camps = visitor.get("/api/h5/camps")
    assert camps.json()["code"] == "ok"
    _careful(camps)
    assert visitor.get("/openapi.json").headers["content-encoding"] == "gzip"
    for path in ("/doc.html", "/doc/swagger-ui.css", "/openapi/h5.json", "/healthz", "/readyz"):
        assert visitor.get(path).status_code == 200, path
    assert httpx.get(f"{api_url}/metrics", trust_env=False).status_code == 200
    back = visitor.get("/api/h5/auth/wechat")
    assert back.status_code == 302
    assert f"localhost%3A{nginx.https_port}%2Fauth%2Fcallback" in back.headers["location"]
    assert "Secure" in back.headers["set-cookie"]
    for megabytes in (2, 5):  # the API's own limit, and nginx's
        body = b"x" * megabytes * 1024 * 1024
        large = visitor.post("/api/admin/auth/login", content=body, headers={"Content-Type": "application/json"})
        assert (large.status_code, large.json()["code"]) == (413, "too_large")
        assert large.headers["cache-control"] == "no-store"
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
    assert visitor.get("/api/h5/camps", headers=upgrade).status_code == 200  # nobody here upgrades


def _who_asks(visitor: httpx.Client, password: str) -> None:
    """What a client writes into X-Forwarded-For is not believed."""
    wrong = {"username": "nobody", "password": "wrong-password"}
    visitor.post("/api/admin/auth/login", json=wrong, headers={"X-Forwarded-For": "6.6.6.6"})
    right = {"username": system.ADMIN, "password": password}
    token = visitor.post("/api/admin/auth/login", json=right).json()["data"]["access_token"]
    logs = visitor.get("/api/admin/logs?page_size=50", headers={"Authorization": f"Bearer {token}"}).json()["data"]
    [failed] = [row for row in logs["items"] if row["action"] == "auth.login_failed"]
    assert failed["ip"] in ("127.0.0.1", "::1"), failed["ip"]


def _floods(nginx: Nginx) -> None:
    """Many at once are refused by nginx; notifications pass."""

    with httpx.Client(base_url=nginx.url, verify=nginx.trust(), trust_env=False) as client:

        def quick(path: str) -> httpx.Response:
            return client.post(path, json={})

        with ThreadPoolExecutor(24) as pool:
            answers: list[httpx.Response] = []
            while not any(response.status_code == 429 for response in answers) and len(answers) < 20_000:
                answers += pool.map(quick, ["/api/h5/nothing"] * 900)  # the old limit may hold for a moment
            webhooks = list(pool.map(quick, ["/api/webhook/wechat/payment"] * 400))
    refused = [response for response in answers if response.status_code == 429]
    assert {response.status_code for response in answers} == {404, 429}
    assert refused[0].json()["code"] == "rate_limited"
    assert refused[0].headers["retry-after"] == "1"
    assert {response.status_code for response in webhooks} == {400}
    _tell(f"of {len(answers)} requests at once {len(refused)} were refused, of 400 notifications none")


def _maintenance(visitor: httpx.Client) -> None:
    """The API is away: pages still come, and what needs the API says so in the visitor's way."""
    for path in ("/", "/admin/camps"):
        assert visitor.get(path).status_code == 200
    program = visitor.get("/api/h5/camps", headers={"Accept": "application/json"})
    person = visitor.get("/api/h5/auth/wechat", headers={"Accept": "text/html,application/xhtml+xml"})
    assert (program.status_code, program.json()["code"]) == (503, "unavailable")
    assert person.status_code == 503
    assert "系统正在维护" in person.text
    for response in (program, person):
        assert response.headers["retry-after"] == "30"
        assert response.headers["cache-control"] == "no-store"
        _careful(response)


def _log(nginx: Nginx) -> None:
    lines = [json.loads(line) for line in (nginx.home / "access.log").read_text().splitlines()]
    assert len(lines) > 1000
    assert not [line for line in lines if "?" in line["path"] or "code=" in line["path"]]
    assert any(line["request_id"] for line in lines)


def _alpn(nginx: Nginx, name: str) -> str | None:
    context = nginx.trust()
    context.check_hostname = False
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", nginx.https_port)) as plain,
        context.wrap_socket(plain, server_hostname=name) as secure,
    ):
        return secure.selected_alpn_protocol()


if __name__ == "__main__":
    sys.exit(main())
