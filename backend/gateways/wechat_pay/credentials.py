"""The merchant's key material."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from backend.core import pem
from backend.core.config import Fault, SettingsError, WeChatPaySettings
from backend.gateways.wechat_pay.signing import MerchantKey

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Our identity and keys, and WeChat Pay's public key. ``public_key`` is None in certificate mode."""

    app_id: str
    merchant: MerchantKey
    apiv3_key: bytes = field(repr=False)
    public_key_id: str
    public_key: RSAPublicKey | None


def load_credentials(settings: WeChatPaySettings) -> Credentials | None:
    """Load the credentials; None if a required setting is empty. Raises SettingsError for unusable keys."""
    apiv3_key = settings.apiv3_key.get_secret_value().encode()
    private_key = _read(settings.private_key_pem, pem.private_key, Fault.NO_PRIVATE_KEY, "PRIVATE_KEY_PATH")
    if private_key is None or not (settings.mch_id and settings.app_id and settings.cert_serial_no and apiv3_key):
        return None
    return Credentials(
        app_id=settings.app_id,
        merchant=MerchantKey(settings.mch_id, settings.cert_serial_no, private_key),
        apiv3_key=apiv3_key,
        public_key_id=settings.public_key_id,
        public_key=_read(settings.public_key_pem, pem.public_key, Fault.NO_PUBLIC_KEY, "PUBLIC_KEY_PATH"),
    )


def _read(source: Callable[[], bytes], parse: Callable[[bytes], K | None], fault: Fault, name: str) -> K | None:
    try:
        text = source()
    except OSError:
        text = b"unreadable"
    if not text:
        return None
    key = parse(text)
    if key is None:
        raise SettingsError([f"CAMP_WECHAT_PAY__{name}: {fault}"])
    return key
