"""The merchant's key material, read once from the files the settings name."""

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from backend.core.config import SettingsError, WeChatPaySettings
from backend.gateways.wechat_pay.signing import MerchantKey


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who we are and what we trust. ``public_key`` is None in certificate mode."""

    app_id: str
    merchant: MerchantKey
    apiv3_key: bytes = field(repr=False)
    public_key_id: str
    public_key: RSAPublicKey | None


def load_credentials(settings: WeChatPaySettings) -> Credentials | None:
    """None while a needed setting is empty. Raises SettingsError for key files that can't be used."""
    apiv3_key = settings.apiv3_key.get_secret_value().encode()
    path = settings.private_key_path
    if path is None or not (settings.mch_id and settings.app_id and settings.cert_serial_no and apiv3_key):
        return None
    return Credentials(
        app_id=settings.app_id,
        merchant=MerchantKey(settings.mch_id, settings.cert_serial_no, _private_key(path)),
        apiv3_key=apiv3_key,
        public_key_id=settings.public_key_id,
        public_key=_public_key(settings.public_key_path) if settings.public_key_path else None,
    )


def _private_key(path: Path) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise SettingsError(["CAMP_WECHAT_PAY__PRIVATE_KEY_PATH: is not a readable RSA private key in PEM"])
    return key


def _public_key(path: Path) -> RSAPublicKey:
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError):
        key = None
    if not isinstance(key, RSAPublicKey):
        raise SettingsError(["CAMP_WECHAT_PAY__PUBLIC_KEY_PATH: is not a readable RSA public key in PEM"])
    return key
