"""Settings from the environment (prefix ``CAMP_``, nested by ``__``) or, outside tests, from ``.env``.

An invalid setting stops the start: :func:`load_settings` raises :class:`SettingsError`, which lists all problems
at once by variable name.
"""

import base64
import binascii
import datetime as dt
import ipaddress
import os
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from backend.core import pem

# Delays in seconds. The last one is repeated.
Waits = Annotated[list[Annotated[float, Field(ge=0, le=24 * 3600)]], Field(min_length=1, max_length=10), NoDecode]
_MOST_FEN = 100_000_000
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Publicly known, so production refuses them.
DEVELOPMENT_SECRET_KEY = "development-only-secret-key-not-for-production"  # noqa: S105 - see above
DEVELOPMENT_DATA_KEY = base64.b64encode(b"development-only-data-key-32-byt").decode()
DEVELOPMENT_ADMIN_PASSWORD = "camp-deposit-1"  # noqa: S105 - see above


class SettingsError(Exception):
    """The settings can't be used. ``problems`` holds one line per problem, each naming its variable."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def _split(value: object) -> object:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


class Fault(StrEnum):
    """Problems that type validation can't find: rules across fields, and the content of keys and files."""

    NOT_32 = "must have exactly 32 characters"
    NO_FILE = "no such file"
    NO_PRIVATE_KEY = "is not a readable RSA private key in PEM"
    NO_PUBLIC_KEY = "is not a readable RSA public key in PEM"
    ID_AND_KEY = "id and key of the public key are needed together"
    OPENS_AFTER_CLOSES = "must be before the closing hour"
    MIN_ABOVE_MAX = "is above the largest deposit"


class Section(BaseModel):
    """The settings of one topic. Staff override a section as a whole in the console."""

    def faults(self) -> dict[str, Fault]:
        """Problems by field name, in a section whose fields are each valid on their own."""
        return {}


class WeChatPaySettings(Section):
    """The merchant at WeChat Pay. Public-key mode when id and key are given, else certificate mode.

    A key is given as PEM or as the path of a PEM file. The PEM takes precedence.
    """

    base_url: str = "https://api.mch.weixin.qq.com"
    mch_id: str = ""
    app_id: str = ""
    cert_serial_no: str = ""
    private_key: SecretStr = SecretStr("")
    private_key_path: Path | None = None
    apiv3_key: SecretStr = SecretStr("")
    public_key_id: str = ""
    public_key: str = ""
    public_key_path: Path | None = None
    timeout_seconds: float = Field(default=8.0, gt=0)

    def private_key_pem(self) -> bytes:
        """The merchant's private key; empty when none is configured. Raises OSError if the file can't be read."""
        return _pem(self.private_key.get_secret_value(), self.private_key_path)

    def public_key_pem(self) -> bytes:
        """WeChat Pay's public key; empty when none is configured. Raises OSError if the file can't be read."""
        return _pem(self.public_key, self.public_key_path)

    def faults(self) -> dict[str, Fault]:
        found: dict[str, Fault] = {}
        for name, path in (("private_key_path", self.private_key_path), ("public_key_path", self.public_key_path)):
            if path is not None and not path.is_file():
                found[name] = Fault.NO_FILE
        private_key = self.private_key.get_secret_value()
        if private_key and pem.private_key(private_key.encode()) is None:
            found["private_key"] = Fault.NO_PRIVATE_KEY
        if self.public_key and pem.public_key(self.public_key.encode()) is None:
            found["public_key"] = Fault.NO_PUBLIC_KEY
        if bool(self.public_key_id) != bool(self.public_key or self.public_key_path):
            found["public_key_id"] = Fault.ID_AND_KEY
        apiv3_key = self.apiv3_key.get_secret_value()
        if apiv3_key and len(apiv3_key.encode()) != 32:
            found["apiv3_key"] = Fault.NOT_32
        return found


def _pem(given: str, path: Path | None) -> bytes:
    if given:
        return given.encode()
    return path.read_bytes() if path is not None else b""


class WeChatOAuthSettings(Section):
    """The WeChat service account. Its web authorisation returns a member's openid."""

    base_url: str = "https://api.weixin.qq.com"
    authorize_url: str = "https://open.weixin.qq.com/connect/oauth2/authorize"
    app_id: str = ""
    app_secret: SecretStr = SecretStr("")
    timeout_seconds: float = Field(default=8.0, gt=0)


class ZsxqSettings(Section):
    """知识星球 API access. Intervals and timeouts are in seconds; retry policy: reference zsxq-api §3.3."""

    base_url: str = "https://api.zsxq.com"
    min_interval_seconds: float = Field(default=1.0, ge=0, le=60)
    retry_waits_seconds: Annotated[list[float], NoDecode] = [2, 2, 5, 10, 20]
    cool_down_seconds: float = Field(default=75.0, ge=0)
    timeout_seconds: float = Field(default=15.0, gt=0)
    client_version: str = "2.90.0"
    user_agent: str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0.0.0 Safari/537.36"
    read_posts: bool = True

    _split_waits = field_validator("retry_waits_seconds", mode="before")(_split)


class WeComSettings(Section):
    """The WeCom application that notifies staff, and the group robot. Empty ids disable a channel."""

    base_url: str = "https://qyapi.weixin.qq.com"
    corp_id: str = ""
    agent_id: int = Field(default=0, ge=0, le=2**31 - 1)
    secret: SecretStr = SecretStr("")
    # The fallback when no staff can be reached. Messages that name members of a camp are not sent to "@all".
    alert_user_ids: str = "@all"
    # Accepts the robot's whole webhook URL too, since that is what WeCom shows.
    robot_key: SecretStr = SecretStr("")
    timeout_seconds: float = Field(default=8.0, gt=0)

    @field_validator("robot_key")
    @classmethod
    def _key_of_address(cls, value: SecretStr) -> SecretStr:
        address = urlsplit(value.get_secret_value())
        return SecretStr("".join(parse_qs(address.query).get("key", []))) if address.scheme else value


class StorageSettings(Section):
    """Where uploaded images are stored."""

    kind: Literal["local", "cos"] = "local"
    local_dir: Path = Path(".uploads")
    cos_region: str = ""
    cos_bucket: str = ""
    cos_secret_id: str = ""
    cos_secret_key: SecretStr = SecretStr("")
    cos_base_url: str = ""


class PaymentSettings(Section):
    """Rules for paying a deposit."""

    order_minutes: int = Field(default=30, ge=1, le=7 * 24 * 60)
    deposit_min_fen: int = Field(default=100, ge=1, le=_MOST_FEN)
    deposit_max_fen: int = Field(default=99_900, ge=1, le=_MOST_FEN)

    def faults(self) -> dict[str, Fault]:
        return {"deposit_min_fen": Fault.MIN_ABOVE_MAX} if self.deposit_min_fen > self.deposit_max_fen else {}


class RefundSettings(Section):
    """Rules for refunding a deposit."""

    per_second: float = Field(default=10.0, gt=0, le=150)
    auto_attempts: int = Field(default=3, ge=1, le=10)
    manual_attempts: int = Field(default=5, ge=0, le=20)
    retry_waits_seconds: Waits = [60, 300, 1800]
    undo_seconds: int = Field(default=10, ge=0, le=3600)
    password_threshold_fen: int = Field(default=1_000_000, ge=0, le=_MOST_FEN)
    stuck_hours: int = Field(default=24, ge=1, le=24 * 90)
    coach_review: bool = True
    # Shown verbatim to members before they pay and while they wait.
    promise: str = "结束后 7 天内完成审核，审核通过后 1–3 个工作日退回原支付账户"

    _split_waits = field_validator("retry_waits_seconds", mode="before")(_split)


class SyncSettings(Section):
    """Rules for syncing check-ins."""

    manual_pause_seconds: int = Field(default=300, ge=0, le=24 * 3600)


class RetentionSettings(Section):
    """Retention periods in days. For personal data the period starts when the camp is archived."""

    personal_days: int = Field(default=90, ge=1, le=3650)
    event_days: int = Field(default=90, ge=7, le=3650)
    job_run_days: int = Field(default=30, ge=2, le=3650)


class LoginSettings(Section):
    """How many failed staff log-ins within the window lock a user name or an address, and for how long."""

    failures: int = Field(default=5, ge=1, le=100)
    address_failures: int = Field(default=20, ge=1, le=1000)
    window_minutes: int = Field(default=15, ge=1, le=24 * 60)
    lock_minutes: int = Field(default=15, ge=1, le=24 * 60)


class LimitSettings(Section):
    """Requests allowed in any 60 seconds per logged-in person, or per address without a log-in.

    The maximum bounds Redis memory: each key keeps one entry per allowed request.
    """

    enabled: bool = True
    per_minute: int = Field(default=100, ge=1, le=10_000)
    # Log-ins, and member requests that create something. They count towards ``per_minute`` too.
    sensitive_per_minute: int = Field(default=10, ge=1, le=10_000)


class NoticeSettings(Section):
    """The master switch for outgoing messages, and the hours for messages to members and groups (Shanghai time).

    In-app messages and staff alarms ignore the hours.
    """

    enabled: bool = True
    opens_at: dt.time = dt.time(9)
    closes_at: dt.time = dt.time(21)

    def faults(self) -> dict[str, Fault]:
        return {"opens_at": Fault.OPENS_AFTER_CLOSES} if self.opens_at >= self.closes_at else {}


class LogSettings(BaseModel):
    """``json`` for machines, ``console`` for people. Logs go to ``file``, or to standard error without one."""

    format: Literal["json", "console"] = "console"
    level: Literal["debug", "info", "warning", "error"] = "info"
    file: Path | None = None


class Settings(BaseSettings):
    """All settings of one installation."""

    model_config = SettingsConfigDict(
        env_prefix="CAMP_", env_nested_delimiter="__", env_file_encoding="utf-8", extra="ignore"
    )

    env: Literal["development", "test", "production"] = "development"
    database_url: str = "postgresql+asyncpg://camp:camp@127.0.0.1:5432/camp"
    database_pool_size: int = Field(default=10, ge=1, le=200)
    redis_url: str = "redis://127.0.0.1:6379/0"
    public_base_url: str = "http://127.0.0.1:8000"
    secret_key: SecretStr = SecretStr(DEVELOPMENT_SECRET_KEY)
    data_keys: Annotated[list[SecretStr], NoDecode] = [SecretStr(DEVELOPMENT_DATA_KEY)]
    admin_username: str = "admin"
    admin_password: SecretStr = SecretStr(DEVELOPMENT_ADMIN_PASSWORD)
    admin_token_hours: int = Field(default=24, ge=1, le=24 * 7)
    member_token_days: int = Field(default=7, ge=1, le=60)
    cors_origins: Annotated[list[str], NoDecode] = []
    trusted_proxies: Annotated[list[Network], NoDecode] = []
    test_clock: Path | None = None
    jobs_off: Annotated[list[str], NoDecode] = []
    # How members reach support, such as a WeChat name or a telephone number. Empty shows no contact.
    support_contact: str = ""
    # The folder with h5-member/dist and admin-web/dist, for installations without a web server in front.
    front_ends_dir: Path | None = None

    wechat_pay: WeChatPaySettings = WeChatPaySettings()
    wechat_oauth: WeChatOAuthSettings = WeChatOAuthSettings()
    zsxq: ZsxqSettings = ZsxqSettings()
    wecom: WeComSettings = WeComSettings()
    storage: StorageSettings = StorageSettings()
    payment: PaymentSettings = PaymentSettings()
    refund: RefundSettings = RefundSettings()
    sync: SyncSettings = SyncSettings()
    retention: RetentionSettings = RetentionSettings()
    login: LoginSettings = LoginSettings()
    limits: LimitSettings = LimitSettings()
    notices: NoticeSettings = NoticeSettings()
    log: LogSettings = LogSettings()

    _split_lists = field_validator("data_keys", "cors_origins", "trusted_proxies", "jobs_off", mode="before")(_split)

    @field_validator("database_url")
    @classmethod
    def _async_driver(cls, value: str) -> str:
        try:
            url = make_url(value)
        except ArgumentError as error:
            raise ValueError("is not a database address") from error
        if url.get_backend_name() not in ("postgresql", "postgres"):
            raise ValueError("must begin with postgresql:// or postgresql+asyncpg://")
        return url.set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)

    @field_validator("redis_url")
    @classmethod
    def _redis_scheme(cls, value: str) -> str:
        if not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must begin with redis://, rediss:// or unix://")
        return value

    @field_validator("public_base_url")
    @classmethod
    def _no_slash(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return value.rstrip("/")

    @field_validator("data_keys")
    @classmethod
    def _data_keys_decode(cls, value: list[SecretStr]) -> list[SecretStr]:
        if not value:
            raise ValueError("needs at least one base64 key of 32 bytes")
        for position, key in enumerate(value, start=1):
            try:
                raw = base64.b64decode(key.get_secret_value(), validate=True)
            except (binascii.Error, ValueError) as error:
                raise ValueError(f"key {position} is not base64") from error
            if len(raw) != 32:
                raise ValueError(f"key {position} has {len(raw)} bytes, not 32")
        return value

    @cached_property
    def data_key_bytes(self) -> list[bytes]:
        """The decoded keys: the first encrypts, all decrypt."""
        return [base64.b64decode(key.get_secret_value()) for key in self.data_keys]

    def sections(self) -> dict[str, Section]:
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: value for name, value in values.items() if isinstance(value, Section)}

    def production_problems(self) -> list[str]:
        """Problems that prevent a start in production, one line each."""
        problems = []
        if len(self.secret_key.get_secret_value()) < 32 or self.secret_key.get_secret_value() == DEVELOPMENT_SECRET_KEY:
            problems.append("CAMP_SECRET_KEY: a secret of at least 32 characters is needed, not the default")
        if DEVELOPMENT_DATA_KEY in [key.get_secret_value() for key in self.data_keys]:
            problems.append("CAMP_DATA_KEYS: the development key may not be used")
        if self.admin_password.get_secret_value() == DEVELOPMENT_ADMIN_PASSWORD:
            problems.append("CAMP_ADMIN_PASSWORD: the documented default may not be used")
        if self.test_clock is not None:
            problems.append("CAMP_TEST_CLOCK: no test clock in production")
        if not self.cors_origins:
            problems.append("CAMP_CORS_ORIGINS: the list of allowed origins is empty")
        if "*" in self.cors_origins:
            problems.append("CAMP_CORS_ORIGINS: '*' is not an origin")
        https = {
            "CAMP_PUBLIC_BASE_URL": self.public_base_url,
            "CAMP_WECHAT_PAY__BASE_URL": self.wechat_pay.base_url,
            "CAMP_WECHAT_OAUTH__BASE_URL": self.wechat_oauth.base_url,
            "CAMP_WECHAT_OAUTH__AUTHORIZE_URL": self.wechat_oauth.authorize_url,
            "CAMP_ZSXQ__BASE_URL": self.zsxq.base_url,
            "CAMP_WECOM__BASE_URL": self.wecom.base_url,
        }
        problems += [f"{name}: must be https" for name, url in https.items() if not url.startswith("https://")]
        required = {
            "CAMP_WECHAT_PAY__MCH_ID": self.wechat_pay.mch_id,
            "CAMP_WECHAT_PAY__APP_ID": self.wechat_pay.app_id,
            "CAMP_WECHAT_PAY__CERT_SERIAL_NO": self.wechat_pay.cert_serial_no,
            "CAMP_WECHAT_PAY__PRIVATE_KEY_PATH": (
                self.wechat_pay.private_key.get_secret_value() or self.wechat_pay.private_key_path
            ),
            "CAMP_WECHAT_PAY__APIV3_KEY": self.wechat_pay.apiv3_key.get_secret_value(),
            "CAMP_WECHAT_OAUTH__APP_ID": self.wechat_oauth.app_id,
            "CAMP_WECHAT_OAUTH__APP_SECRET": self.wechat_oauth.app_secret.get_secret_value(),
        }
        if self.storage.kind == "cos":
            required |= {
                "CAMP_STORAGE__COS_REGION": self.storage.cos_region,
                "CAMP_STORAGE__COS_BUCKET": self.storage.cos_bucket,
                "CAMP_STORAGE__COS_SECRET_ID": self.storage.cos_secret_id,
                "CAMP_STORAGE__COS_SECRET_KEY": self.storage.cos_secret_key.get_secret_value(),
            }
        problems += [f"{name}: is missing" for name, value in required.items() if not value]
        return problems

    def problems(self) -> list[str]:
        """Problems that prevent a start, one line each, beyond single-field validation."""
        problems = [
            f"CAMP_{group.upper()}__{name.upper()}: {fault}"
            for group, section in self.sections().items()
            for name, fault in section.faults().items()
        ]
        if self.front_ends_dir is not None and not self.front_ends_dir.is_dir():
            problems.append("CAMP_FRONT_ENDS_DIR: no such folder")
        if self.env == "production":
            problems += self.production_problems()
        return problems


def load_settings() -> Settings:
    """Read and validate the settings. Raises :class:`SettingsError`, which lists all problems."""
    env_file = None if os.environ.get("CAMP_ENV") == "test" else ".env"
    try:
        settings = Settings(_env_file=env_file)
    except ValidationError as error:
        lines = [_line(item["loc"], item["msg"]) for item in error.errors(include_input=False)]
        raise SettingsError(list(dict.fromkeys(lines))) from None
    problems = settings.problems()
    if problems:
        raise SettingsError(problems)
    return settings


def _line(location: tuple[int | str, ...], message: str) -> str:
    # Skip list positions and pydantic's names for union branches: neither is part of the variable's name.
    parts = [part for part in location if isinstance(part, str) and part.isidentifier()]
    name = "CAMP_" + "__".join(parts).upper()
    return f"{name}: {message.removeprefix('Value error, ')}"
