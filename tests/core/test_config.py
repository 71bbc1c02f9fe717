"""Settings: every problem at once, each with its variable's name and without its value."""

import base64
import secrets
from pathlib import Path

import pytest
from pydantic import SecretStr

from backend.core.config import DEVELOPMENT_DATA_KEY, Settings, SettingsError, load_settings


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("CAMP_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CAMP_ENV", "test")


def problems(monkeypatch: pytest.MonkeyPatch, **environment: str) -> list[str]:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return caught.value.problems


def named(found: list[str]) -> set[str]:
    return {line.partition(":")[0] for line in found}


def key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def test_development_needs_nothing() -> None:
    settings = load_settings()
    assert settings.env == "test"
    assert len(settings.data_key_bytes[0]) == 32


def test_values_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMP_DATABASE_URL", "postgresql://u:p@db.example/camp?host=/tmp")
    monkeypatch.setenv("CAMP_PUBLIC_BASE_URL", "https://camp.example.com/")
    monkeypatch.setenv("CAMP_CORS_ORIGINS", "https://a.example, https://b.example")
    monkeypatch.setenv("CAMP_TRUSTED_PROXIES", "10.0.0.0/8,fd00::/8")
    monkeypatch.setenv("CAMP_ZSXQ__RETRY_WAITS_SECONDS", "1,2")
    monkeypatch.setenv("CAMP_DATA_KEYS", f"{key()},{key()}")
    settings = load_settings()
    assert settings.database_url == "postgresql+asyncpg://u:p@db.example/camp?host=%2Ftmp"
    assert settings.public_base_url == "https://camp.example.com"
    assert settings.cors_origins == ["https://a.example", "https://b.example"]
    assert len(settings.trusted_proxies) == 2
    assert settings.zsxq.retry_waits_seconds == [1, 2]
    assert len(settings.data_key_bytes) == 2


def test_all_wrong_values_are_said_at_once_without_repeating_them(monkeypatch: pytest.MonkeyPatch) -> None:
    found = problems(
        monkeypatch,
        CAMP_DATABASE_URL="mysql://u:hunter2@db/x",
        CAMP_REDIS_URL="http://x:hunter2@y",
        CAMP_PUBLIC_BASE_URL="camp.example.com/hunter2",
        CAMP_DATA_KEYS="hunter2",
        CAMP_PAYMENT__ORDER_MINUTES="0",
        CAMP_TRUSTED_PROXIES="10.0.0.0/99",
    )
    assert named(found) == {
        "CAMP_DATABASE_URL", "CAMP_REDIS_URL", "CAMP_PUBLIC_BASE_URL", "CAMP_DATA_KEYS",
        "CAMP_PAYMENT__ORDER_MINUTES", "CAMP_TRUSTED_PROXIES",
    }  # fmt: skip
    assert "hunter2" not in str(found)


def test_front_ends_that_are_nowhere_stop_the_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CAMP_FRONT_ENDS_DIR", str(tmp_path))
    assert load_settings().front_ends_dir == tmp_path
    assert named(problems(monkeypatch, CAMP_FRONT_ENDS_DIR=str(tmp_path / "nowhere"))) == {"CAMP_FRONT_ENDS_DIR"}


def test_production_refuses_every_default_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = problems(monkeypatch, CAMP_ENV="production", CAMP_TEST_CLOCK=str(tmp_path / "clock"))
    assert named(found) >= {
        "CAMP_SECRET_KEY", "CAMP_DATA_KEYS", "CAMP_ADMIN_PASSWORD", "CAMP_TEST_CLOCK", "CAMP_CORS_ORIGINS",
        "CAMP_PUBLIC_BASE_URL", "CAMP_WECHAT_PAY__MCH_ID", "CAMP_WECHAT_PAY__APIV3_KEY",
        "CAMP_WECHAT_PAY__PRIVATE_KEY_PATH", "CAMP_WECHAT_OAUTH__APP_SECRET",
    }  # fmt: skip


def production(tmp_path: Path) -> dict[str, str]:
    private_key = tmp_path / "key.pem"
    private_key.write_text("a key")
    return {
        "CAMP_ENV": "production",
        "CAMP_SECRET_KEY": secrets.token_urlsafe(32),
        "CAMP_DATA_KEYS": key(),
        "CAMP_ADMIN_PASSWORD": secrets.token_urlsafe(12),
        "CAMP_CORS_ORIGINS": "https://camp.example.com",
        "CAMP_PUBLIC_BASE_URL": "https://camp.example.com",
        "CAMP_WECHAT_PAY__MCH_ID": "1900000001",
        "CAMP_WECHAT_PAY__APP_ID": "wx0000000000000001",
        "CAMP_WECHAT_PAY__CERT_SERIAL_NO": "ABC",
        "CAMP_WECHAT_PAY__PRIVATE_KEY_PATH": str(private_key),
        "CAMP_WECHAT_PAY__APIV3_KEY": secrets.token_hex(16),
        "CAMP_WECHAT_OAUTH__APP_ID": "wx0000000000000001",
        "CAMP_WECHAT_OAUTH__APP_SECRET": secrets.token_hex(16),
    }


def test_production_starts_with_everything_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in production(tmp_path).items():
        monkeypatch.setenv(name, value)
    assert load_settings().env == "production"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CAMP_PUBLIC_BASE_URL", "http://camp.example.com"),
        ("CAMP_ZSXQ__BASE_URL", "http://api.zsxq.com"),
        ("CAMP_WECHAT_PAY__BASE_URL", "http://sandbox.test"),
        ("CAMP_CORS_ORIGINS", "*"),
        ("CAMP_CORS_ORIGINS", ""),  # B21
        ("CAMP_SECRET_KEY", "short"),
        ("CAMP_DATA_KEYS", DEVELOPMENT_DATA_KEY),
        ("CAMP_TEST_CLOCK", "clock"),
        ("CAMP_WECHAT_PAY__APIV3_KEY", "of-31-characters-one-too-short-"),
        ("CAMP_WECHAT_PAY__PRIVATE_KEY_PATH", "/nonexistent/key.pem"),
        ("CAMP_WECHAT_PAY__PUBLIC_KEY_ID", "PUB_KEY_ID_1"),
    ],
)
def test_production_refuses_one_weak_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    found = problems(monkeypatch, **production(tmp_path) | {name: value})
    assert named(found) == {name}


def test_cloud_storage_needs_its_fields(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = problems(monkeypatch, **production(tmp_path) | {"CAMP_STORAGE__KIND": "cos"})
    assert {name.removeprefix("CAMP_STORAGE__") for name in named(found)} == {
        "COS_REGION", "COS_BUCKET", "COS_SECRET_ID", "COS_SECRET_KEY",
    }  # fmt: skip


def test_secrets_dont_show_when_settings_are_printed() -> None:
    settings = Settings(_env_file=None, env="test", secret_key=SecretStr("hunter2-hunter2"))
    assert "hunter2" not in repr(settings) + str(settings.model_dump())
