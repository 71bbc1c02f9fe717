"""``serve`` in production, as a process of its own: which pages of other origins may call it."""

import base64
import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from backend.api.headers import STRICT_TRANSPORT
from backend.demo.processes import Processes, free_port
from tests.cli.test_cli import camp

OURS, THEIRS = "https://camp.example.com", "https://evil.example.com"


@pytest.fixture
def production(tmp_path: Path) -> dict[str, str]:
    """What a start in production needs; the outside is never called."""
    key = tmp_path / "apiclient_key.pem"
    private_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    key.write_bytes(
        private_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return {
        "CAMP_ENV": "production",
        "CAMP_SECRET_KEY": secrets.token_urlsafe(48),
        "CAMP_DATA_KEYS": base64.b64encode(secrets.token_bytes(32)).decode(),
        "CAMP_ADMIN_PASSWORD": secrets.token_urlsafe(16),
        "CAMP_DATABASE_URL": "postgresql://camp@127.0.0.1:1/camp",
        "CAMP_REDIS_URL": "redis://127.0.0.1:1/0",
        "CAMP_PUBLIC_BASE_URL": OURS,
        "CAMP_CORS_ORIGINS": f"{OURS}, https://admin.example.com",
        "CAMP_WECHAT_PAY__MCH_ID": "1900000001",
        "CAMP_WECHAT_PAY__APP_ID": "wx0123456789abcdef",
        "CAMP_WECHAT_PAY__CERT_SERIAL_NO": "0123456789ABCDEF",
        "CAMP_WECHAT_PAY__PRIVATE_KEY_PATH": str(key),
        "CAMP_WECHAT_PAY__APIV3_KEY": "x" * 32,
        "CAMP_WECHAT_OAUTH__APP_ID": "wx0123456789abcdef",
        "CAMP_WECHAT_OAUTH__APP_SECRET": "x" * 32,
    }


@pytest.fixture
def address(production: dict[str, str], tmp_path: Path) -> Iterator[str]:
    processes, port = Processes(tmp_path), free_port()
    processes.start("api", "backend", "serve", "--port", str(port), environment=production)
    try:
        processes.wait_for("api", f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}"
    finally:
        processes.stop()


@pytest.mark.parametrize(("origins", "why"), [("", "is empty"), ("*", "'*' is not an origin")])
def test_without_a_list_of_origins_it_doesnt_start(production: dict[str, str], origins: str, why: str) -> None:
    done = camp("serve", **production | {"CAMP_CORS_ORIGINS": origins})
    assert done.returncode == 2
    [problem] = done.stderr.splitlines()[1:]
    assert problem.strip().startswith("CAMP_CORS_ORIGINS: ")
    assert why in problem


def test_only_listed_origins_may_call(address: str) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    with httpx.Client(base_url=address, trust_env=False) as client:
        allowed = client.options("/api/h5/payments", headers=asked | {"Origin": OURS})
        refused = client.options("/api/h5/payments", headers=asked | {"Origin": THEIRS})
        answers = {origin: client.get("/api/h5/me", headers={"Origin": origin}) for origin in (OURS, THEIRS)}
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == OURS
    assert "POST" in allowed.headers["access-control-allow-methods"]
    assert refused.status_code == 400
    assert "access-control-allow-origin" not in refused.headers
    # A refusal is readable for our own pages, and for nobody else's.
    assert answers[OURS].headers["access-control-allow-origin"] == OURS
    assert "access-control-allow-origin" not in answers[THEIRS].headers
    for response in (allowed, refused, *answers.values()):
        assert response.headers["strict-transport-security"] == STRICT_TRANSPORT
        assert "server" not in response.headers
