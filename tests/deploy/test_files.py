"""Dockerfile, docker-compose.yml, nginx and systemd units say the same as each other, and as the program."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from backend.api.bodies import MEGABYTE
from backend.api.documents import error_codes
from backend.api.headers import SECURITY, STRICT_TRANSPORT
from backend.api.pages import RESERVED, nginx_policies
from backend.cli import _parser
from backend.core.config import Settings
from tests.deploy.nginx import FOLDER, ROOT, render
from tests.docs.test_env_example import fields

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
LASTING = ("postgres", "redis", "api", "worker", "web")
DOCKERFILE = (ROOT / "Dockerfile").read_text()
UNITS = sorted((ROOT / "docs/deploy/systemd").iterdir())
SITE = (FOLDER / "camp.conf").read_text()
GUIDE = (ROOT / "docs/deploy/README.md").read_text()


def known_settings() -> set[str]:
    return {name for name, _ in fields(Settings(_env_file=None))}


def named_settings(text: str) -> set[str]:
    return set(re.findall(r"\bCAMP_[A-Z][A-Z0-9_]*[A-Z0-9]\b", text))


# ── Commands and settings exist ──────────────────────────────────────────────────────────────────


def test_commands_exist_in_the_program() -> None:
    called = [SERVICES[name]["command"] for name in ("migrate", "api", "worker")]
    [default] = re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)[:1]
    called.append(json.loads(default))
    called += [shlex.split(line) for line in re.findall(r"-m backend (.*)$", units_text(), re.MULTILINE)]
    called += [shlex.split(line) for line in re.findall(r"-m backend ([^>\"`\n]*)", DOCKERFILE + GUIDE) if line.strip()]
    assert len(called) > 8
    for command in called:
        _parser().parse_args([word for word in command if word != "…"])


def test_settings_exist_in_the_program() -> None:
    others = {"CAMP_NGINX", "CAMP_NGINX_BROTLI"}  # of the test with nginx
    everything = [ROOT / "docker-compose.yml", ROOT / "Dockerfile", ROOT / "docs/deploy/camp-backup", *UNITS]
    everything += [*FOLDER.glob("*"), *(ROOT / "docs/deploy").glob("*.md")]
    named = set().union(*(named_settings(path.read_text()) for path in everything if path.is_file()))
    assert named - known_settings() - others == set()
    assert "CAMP_TRUSTED_PROXIES" in named


# ── docker-compose.yml ───────────────────────────────────────────────────────────────────────────


def test_what_lasts_comes_back_and_says_how_it_is() -> None:
    built = {"api", "web"}  # their images bring a check along
    for name in LASTING:
        service = SERVICES[name]
        assert service["restart"] == "unless-stopped", name
        assert "test" in service.get("healthcheck", {}) or name in built | {"worker"}, name
    for target in built:
        assert "HEALTHCHECK" in stage(target)
    assert SERVICES["migrate"]["restart"] == "no"


def test_the_order_of_a_start() -> None:
    conditions = {
        name: {other: wait["condition"] for other, wait in service.get("depends_on", {}).items()}
        for name, service in SERVICES.items()
    }
    assert conditions["migrate"] == {"postgres": "service_healthy"}
    for name in ("api", "worker"):
        assert conditions[name] == {"migrate": "service_completed_successfully", "redis": "service_healthy"}
    assert conditions["web"] == {"api": "service_healthy"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_may_do_little(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "network_mode", "pid", "ipc", "devices"} & set(service)
    assert "/var/run/docker.sock" not in str(service)
    for key in ("mem_limit", "cpus", "networks", "logging"):
        assert service[key], key


def test_it_fits_on_two_cores_and_four_gigabytes() -> None:
    sizes = {"m": 1, "g": 1024}
    limits = [SERVICES[name]["mem_limit"] for name in LASTING]
    assert sum(int(limit[:-1]) * sizes[limit[-1]] for limit in limits) <= 3.5 * 1024
    assert all(SERVICES[name]["cpus"] <= 2 for name in LASTING)
    # Each process opens as many connections again under load.
    processes, spare = 2, 20
    pool = SERVICES["api"]["environment"]["CAMP_DATABASE_POOL_SIZE"]
    connections = next(int(word.split("=")[1]) for word in SERVICES["postgres"]["command"] if "max_conn" in word)
    assert processes * 2 * pool + spare <= connections


def test_only_the_web_server_is_reached_from_outside() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"web": ["80:8080", "443:8443"]}
    assert COMPOSE["networks"]["data"]["internal"] is True
    assert {name for name, service in SERVICES.items() if "front" in service["networks"]} == {"web", "api", "worker"}
    for name in ("postgres", "redis", "migrate", "backup"):
        assert SERVICES[name]["networks"] == ["data"]


def test_the_api_believes_its_web_server_and_nobody_else() -> None:
    [subnet] = [entry["subnet"] for entry in COMPOSE["networks"]["front"]["ipam"]["config"]]
    assert SERVICES["api"]["environment"]["CAMP_TRUSTED_PROXIES"] == subnet
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in (FOLDER / "proxy.conf").read_text()


def test_names_of_volumes_and_networks_are_declared() -> None:
    for name, service in SERVICES.items():
        sources = [volume.split(":")[0] for volume in service.get("volumes", [])]
        assert {source for source in sources if not source.startswith(".")} <= set(COMPOSE["volumes"]), name
        assert set(service["networks"]) <= set(COMPOSE["networks"]), name
    backed = next(volume for volume in SERVICES["backup"]["volumes"] if "camp-backup" in volume).split(":")[0]
    assert (ROOT / backed).is_file()


def test_secrets_come_from_a_file_that_is_never_committed() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert SERVICES["api"]["env_file"] == SERVICES["worker"]["env_file"] == ".env"
    assert set(re.findall(r"\$\{(\w*PASSWORD\w*)", text)) == {"POSTGRES_PASSWORD"}
    assert re.findall(r"PASSWORD: (?!\$\{)\S", text) == []
    ignored = (ROOT / ".gitignore").read_text().split()
    assert {".env", "/keys/", "/certificates/", "/backups/"} <= set(ignored)
    assert "POSTGRES_PASSWORD=" in (ROOT / ".env.example").read_text()


# ── Images ───────────────────────────────────────────────────────────────────────────────────────


def stage(name: str) -> str:
    [found] = re.findall(rf"^FROM \S+ AS {name}\n(.*?)(?=^FROM |\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL)
    return str(found)


def test_images_are_pinned_and_name_no_registry() -> None:
    stages = re.findall(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, re.MULTILINE)
    own = {name for _, name in stages}
    images = [image for image, _ in stages if image not in own]
    images += [service["image"] for service in SERVICES.values() if "build" not in service]
    for image in images:
        name, _, tag = image.partition(":")
        assert re.search(r"\d|trixie", tag), image
        assert "." not in name, f"{image} names a registry"
        assert "latest" not in tag, image
    assert {service["build"]["target"] for service in SERVICES.values() if "build" in service} <= own


def test_images_run_as_nobody_special_with_checked_packages() -> None:
    for target in ("api", "web"):
        assert re.search(r"^USER (?!0)\d+:\d+$", stage(target), re.MULTILINE), target
    assert "--require-hashes" in stage("packages")
    assert "gcc" not in stage("api")
    assert " ci " in stage("front-ends")
    assert "http" not in re.sub(r"http://127\.0\.0\.1", "", DOCKERFILE.replace("libnginx-mod-http", "")).replace(
        "HTTP", ""
    )


def test_what_isnt_in_the_image_isnt_missed(tmp_path: Path) -> None:
    left_out = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("backend/")]
    assert sorted(left_out) == ["backend/demo", "backend/embedded", "backend/sandbox"]
    names = [Path(line).name for line in left_out]
    shutil.copytree(ROOT / "backend", tmp_path / "backend", ignore=shutil.ignore_patterns(*names, "__pycache__"))
    shutil.copytree(ROOT / "migrations", tmp_path / "migrations")
    for module in ("backend.app", "backend.worker", "backend.jobs", "backend.core.migrate", "backend.cli"):
        done = subprocess.run([sys.executable, "-c", f"import {module}"], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


# ── nginx ────────────────────────────────────────────────────────────────────────────────────────


def test_every_value_of_the_site_is_filled_in() -> None:
    filled = render({"CAMP_PUBLIC_BASE_URL": "https://camp.example.com:8443/"})
    assert re.findall(r"@\w+@", filled) == []
    assert "server_name camp.example.com;" in filled
    assert "return 301 https://camp.example.com:8443$request_uri;" in filled
    assert set(re.findall(r"@(\w+)@", SITE)) == set(re.findall(r"s\|@(\w+)@", (FOLDER / "render").read_text()))


def test_the_container_gives_only_values_that_are_used() -> None:
    used = set(re.findall(r"\{(WEB_\w+)", (FOLDER / "render").read_text()))
    given = dict(re.findall(r"\b(WEB_\w+)=(\S+)", stage("web")))
    assert set(given) <= used
    assert SERVICES["web"]["ports"] == [f"80:{given['WEB_HTTP_PORT']}", f"443:{given['WEB_HTTPS_PORT']}"]
    host, port = given["WEB_API"].split(":")
    command = SERVICES[host]["command"]
    assert command[command.index("--port") + 1] == port
    assert f"{given['WEB_CERTIFICATES']}:ro" in str(SERVICES["web"]["volumes"])


def locations() -> dict[str, str]:
    """Match and block of every location of the site."""
    return dict(re.findall(r"^    location ([^{]+?) \{\n(.*?)^    \}", SITE, re.MULTILINE | re.DOTALL))


def test_every_path_of_the_api_goes_there_and_metrics_nowhere() -> None:
    def leads_to(path: str) -> str:
        found = [
            block
            for match, block in locations().items()
            if (match.startswith("~") and re.search(match[2:], path))
            or (not match.startswith(("~", "=")) and path.startswith(match) and match != "/")
        ]
        return found[0] if found else locations()["/"]

    for reserved in RESERVED - {"metrics"}:
        path = f"/{reserved}" if reserved not in ("api", "media", "doc", "openapi") else f"/{reserved}/x"
        assert "proxy.conf" in leads_to(path), path
    assert "return 404" in leads_to("/metrics")
    assert "try_files $uri /index.html" in leads_to("/camps/1")
    assert "try_files $uri /admin/index.html" in leads_to("/admin/camps")


def test_notifications_pass_the_coarse_guard() -> None:
    limited = {match for match, block in locations().items() if "limit_req zone" in block}
    proxied = {match for match, block in locations().items() if "proxy.conf" in block}
    assert proxied - limited == {"/api/webhook/"}


def test_headers_are_those_of_the_api() -> None:
    lines = re.findall(r'^add_header (\S+) "?(.*?)"? always;$', (FOLDER / "headers.conf").read_text(), re.MULTILINE)
    assert dict(lines) == SECURITY | {"Strict-Transport-Security": STRICT_TRANSPORT}
    # A location with an add_header of its own forgets those around it.
    for match, block in locations().items():
        if "add_header" in block:
            assert "headers.conf" in block, match


def test_the_policies_of_pages_are_those_of_the_api(tmp_path: Path) -> None:
    for app, script in (("h5-member", "let a = 1"), ("admin-web", "let b = 2")):
        (tmp_path / app / "dist").mkdir(parents=True)
        (tmp_path / app / "dist" / "index.html").write_text(f"<script>{script}</script>")
    written = nginx_policies(tmp_path)
    member, console = re.findall(r'"(default-src.*?)";', written)
    assert member != console
    assert written.count("'sha256-") == 2
    assert "frame-ancestors 'none'" in member


def test_nginx_takes_what_the_api_takes() -> None:
    [most] = re.findall(r"^    client_max_body_size (\d+)m;", SITE, re.MULTILINE)
    largest = max(
        int(found)
        for path in (ROOT / "backend/api").rglob("*.py")
        for found in re.findall(r"@up_to\((\d+)\)", path.read_text())
    )
    assert MEGABYTE == 1024**2
    assert int(most) > largest


def test_what_nginx_says_itself_is_in_the_words_of_the_api() -> None:
    known = {code: (status, message) for code, status, message in error_codes()}
    statuses = {"_away": 503, "_not_found": 404, "_too_large": 413, "_too_many": 429}
    for name, status in statuses.items():
        body = json.loads((FOLDER / "errors" / f"{name}.json").read_text())
        assert set(body) == {"code", "message", "data", "request_id"}
        assert known[body["code"]] == (status, body["message"])
    assert (FOLDER / "errors" / "_away.html").is_file()


# ── systemd ──────────────────────────────────────────────────────────────────────────────────────


def units_text() -> str:
    return "\n".join(path.read_text() for path in UNITS)


def lines_of(path: Path) -> Iterator[str]:
    for line in path.read_text().splitlines():
        if line and not line.startswith(("#", "[")):
            yield line


def test_units_are_hardened_alike() -> None:
    services = [path for path in UNITS if path.suffix == ".service"]
    assert [path.name for path in services] == [
        "camp-api.service", "camp-backup.service", "camp-migrate.service", "camp-worker.service",
    ]  # fmt: skip
    hardening = [
        [
            line
            for line in lines_of(path)
            if re.match(r"(No|Cap|Amb|Prot|Priv|Proc|Restrict|Remove|Lock|System|UMask)", line)
        ]
        for path in services
    ]
    assert all(found == hardening[0] for found in hardening)
    assert len(hardening[0]) > 20
    for path in services:
        assert {"User=camp", "EnvironmentFile=/etc/camp/camp.env"} <= set(lines_of(path)), path.name


def test_units_name_files_that_there_are() -> None:
    for name in set(re.findall(r"/opt/camp/(docs/\S+?)(?=['\s])", units_text())):
        assert (ROOT / name).exists(), name
    for name in re.findall(r"camp-\w+\.(?:service|timer)", units_text() + GUIDE):
        assert (ROOT / "docs/deploy/systemd" / name).exists(), name
    assert "BACKUP_KEEP=7" in units_text()


def test_the_units_api_is_where_nginx_looks_for_it() -> None:
    [api] = re.findall(r"\$\{WEB_API:-(\S+?)\}", (FOLDER / "render").read_text())
    host, port = api.split(":")
    assert f"serve --host {host} --port {port}" in units_text()
