"""Sign, verify and decrypt (WeChat Pay v3: signature and AEAD rules)."""

import base64
import binascii
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from backend.core import clock

SCHEME = "WECHATPAY2-SHA256-RSA2048"
MAX_SKEW_SECONDS = 300
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


class SignatureRefused(Exception):
    """Invalid signature. ``reason``: headers_missing, timestamp, signature_type, unknown_serial, signature."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Undecipherable(Exception):
    """A resource can't be decrypted: wrong key, wrong associated data, or damaged."""


@dataclass(frozen=True, slots=True)
class MerchantKey:
    """The merchant's private key and the serial of its certificate (not the serial of a WeChat Pay key)."""

    mch_id: str
    serial_no: str
    private_key: RSAPrivateKey = field(repr=False)

    def sign(self, *lines: bytes) -> str:
        """The base64 signature over the lines, each terminated by one LF."""
        return base64.b64encode(self.private_key.sign(_joined(lines), PKCS1v15(), SHA256())).decode()

    def authorization(self, method: str, target: bytes, body: bytes) -> str:
        """The Authorization header for a request. ``target`` is path and query exactly as sent."""
        timestamp, nonce = str(int(clock.timestamp())), new_nonce()
        signature = self.sign(method.encode(), target, timestamp.encode(), nonce.encode(), body)
        return (
            f'{SCHEME} mchid="{self.mch_id}",nonce_str="{nonce}",timestamp="{timestamp}",'
            f'serial_no="{self.serial_no}",signature="{signature}"'
        )


@dataclass(frozen=True, slots=True)
class Stamp:
    """The signature headers of an answer or a notification."""

    serial: str
    timestamp: str
    nonce: str
    signature: bytes

    @classmethod
    def read(cls, headers: Mapping[str, str]) -> "Stamp":
        """Parse the headers and check everything that needs no key. Raises :class:`SignatureRefused`.

        A timestamp 300 seconds or more in the past or in the future is refused.
        """
        lower = {name.lower(): value for name, value in headers.items()}
        try:
            serial, timestamp, nonce, signature = (
                lower[f"wechatpay-{part}"] for part in ("serial", "timestamp", "nonce", "signature")
            )
        except KeyError:
            raise SignatureRefused("headers_missing") from None
        if not _TIMESTAMP.fullmatch(timestamp) or abs(int(clock.timestamp()) - int(timestamp)) >= MAX_SKEW_SECONDS:
            raise SignatureRefused("timestamp")
        if lower.get("wechatpay-signature-type", SCHEME) != SCHEME:
            raise SignatureRefused("signature_type")
        try:
            # WeChat Pay's test signatures (WECHATPAY/SIGNTEST/…) fail here or in verify(), like any bad signature.
            return cls(serial, timestamp, nonce, base64.b64decode(signature, validate=True))
        except (binascii.Error, ValueError):
            raise SignatureRefused("signature") from None

    def verify(self, key: RSAPublicKey, body: bytes) -> None:
        """Raises :class:`SignatureRefused` unless ``key`` signed exactly ``body`` with this stamp."""
        message = _joined((self.timestamp.encode(), self.nonce.encode(errors="replace"), body))
        try:
            key.verify(self.signature, message, PKCS1v15(), SHA256())
        except InvalidSignature:
            raise SignatureRefused("signature") from None


def new_nonce() -> str:
    """32 random characters."""
    return secrets.token_hex(16).upper()


def decipher(apiv3_key: bytes, sealed: Mapping[str, Any]) -> bytes:
    """Decrypt an AEAD_AES_256_GCM object ``{algorithm, nonce, ciphertext, associated_data?}``.

    ``associated_data`` may be empty, null or absent. Raises :class:`Undecipherable`.
    """
    nonce, ciphertext, associated = sealed.get("nonce"), sealed.get("ciphertext"), sealed.get("associated_data") or ""
    if sealed.get("algorithm") != "AEAD_AES_256_GCM":
        raise Undecipherable("algorithm")
    if not (isinstance(nonce, str) and isinstance(ciphertext, str) and isinstance(associated, str)):
        raise Undecipherable("fields")
    try:
        raw = base64.b64decode(ciphertext, validate=True)
        return AESGCM(apiv3_key).decrypt(nonce.encode(), raw, associated.encode())
    except (InvalidTag, ValueError):
        raise Undecipherable("tag") from None


def _joined(lines: tuple[bytes, ...]) -> bytes:
    return b"".join(line + b"\n" for line in lines)
