"""A private nginx with our configuration, on loopback. Debian 12's is too old; CI has none, see ``find_nginx``."""

import datetime as dt
import os
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from backend.api.pages import nginx_policies
from backend.demo.processes import free_port

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "nginx"
NEEDED = (1, 25, 1)
_MAIN = """
{modules}
pid {home}/pid;
error_log {home}/error.log warn;
worker_processes 1;
events {{ worker_connections 1024; }}
http {{
    include {home}/mime.types;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    include {home}/camp.conf;
}}
"""
_TYPES = (
    "types { text/html html; text/css css; application/javascript js; image/svg+xml svg; text/plain txt; "
    "application/json json; font/woff2 woff2; image/png png; image/jpeg jpg; }\n"
)


def find_nginx() -> str | None:
    """The nginx named by CAMP_NGINX or found on the machine, if it is new enough."""
    program = os.environ.get("CAMP_NGINX") or shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        return None
    told = subprocess.run([program, "-v"], capture_output=True, text=True, check=True).stderr
    version = re.search(r"nginx/(\d+)\.(\d+)\.(\d+)", told)
    return program if version and tuple(map(int, version.groups())) >= NEEDED else None


@dataclass(frozen=True)
class Nginx:
    """``url`` is the public address; ``check`` is what ``nginx -t`` said."""

    home: Path
    http_port: int
    https_port: int
    check: str
    has_brotli: bool
    command: list[str]
    settings: dict[str, str]

    @property
    def url(self) -> str:
        return f"https://localhost:{self.https_port}"

    @property
    def certificate(self) -> Path:
        return self.home / "certificates" / "fullchain.pem"

    def with_rate(self, rate: str | None) -> None:
        """Take up another coarse limit, or the one that is shipped."""
        settings = self.settings | ({"WEB_RATE": rate} if rate else {})
        (self.home / "camp.conf").write_text(render(settings))
        subprocess.run([*self.command, "-s", "reload"], check=True)

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))


@contextmanager
def running_nginx(program: str, home: Path, *, api_port: int) -> Iterator[Nginx]:
    """Lay everything out in ``home``, check the configuration and serve until the end of the block."""
    home.mkdir(mode=0o755)
    http_port, https_port = free_port(), free_port()
    _write_certificate(home / "certificates")
    config = home / "config"
    shutil.copytree(FOLDER, config)
    (config / "policies.conf").write_text(nginx_policies(ROOT))
    brotli = os.environ.get("CAMP_NGINX_BROTLI")  # the module's file
    if brotli:
        shutil.copy(FOLDER / "optional" / "brotli.conf", config / "brotli.conf")
    subprocess.run(["node", str(FOLDER / "pack-pages.mjs"), str(home / "pages")], check=True)
    (home / "mime.types").write_text(_TYPES)
    (home / "nginx.conf").write_text(
        _MAIN.format(home=home, modules=f"load_module {brotli};" if brotli else "")
        + ("" if os.getuid() else "user root;")
    )
    settings = {
        "CAMP_PUBLIC_BASE_URL": f"https://localhost:{https_port}",
        "WEB_HTTP_PORT": str(http_port),
        "WEB_HTTPS_PORT": str(https_port),
        "WEB_API": f"127.0.0.1:{api_port}",
        "WEB_PAGES": str(home / "pages"),
        "WEB_CONFIG": str(config),
        "WEB_CERTIFICATES": str(home / "certificates"),
        "WEB_CHALLENGES": str(home / "challenges"),
        "WEB_VERIFICATIONS": str(home / "verifications"),
        "WEB_ACCESS_LOG": str(home / "access.log"),
    }
    (home / "camp.conf").write_text(render(settings))
    command = [program, "-c", str(home / "nginx.conf"), "-e", str(home / "error.log")]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    check = checked.stderr + (home / "error.log").read_text()
    if checked.returncode != 0:
        raise RuntimeError(f"nginx refuses the configuration:\n{check}")
    serving = subprocess.Popen([*command, "-g", "daemon off;"])
    try:
        _wait(http_port)
        yield Nginx(home, http_port, https_port, check, bool(brotli), command, settings)
    finally:
        serving.terminate()
        serving.wait(timeout=20)


def _wait(port: int) -> None:
    for _ in range(500):
        try:
            httpx.get(f"http://127.0.0.1:{port}/_up", trust_env=False)
            return
        except httpx.ConnectError:
            time.sleep(0.02)
    raise RuntimeError("nginx doesn't answer")


def render(settings: dict[str, str]) -> str:
    """What ``nginx/render`` makes of these settings."""
    environment = {"PATH": os.environ["PATH"]} | settings
    return subprocess.run([str(FOLDER / "render")], env=environment, capture_output=True, text=True, check=True).stdout


def _write_certificate(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    begin = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + dt.timedelta(days=365 * 80))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
