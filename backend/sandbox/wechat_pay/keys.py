"""All keys of the simulated merchant and of the simulated WeChat Pay, generated at run time.

Doesn't use the product's signing code: otherwise a bug there would cancel itself out in tests.
"""

import base64
import datetime as dt
import secrets
import string
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

from backend.core import clock

SIGNATURE_TYPE = "WECHATPAY2-SHA256-RSA2048"
SIGNTEST = "WECHATPAY/SIGNTEST/"


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    """One key per name and process. Cached: generating one takes 0.1 s, and tests build many sandboxes."""
    del name  # only a cache key
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True, slots=True)
class PlatformCertificate:
    """A platform certificate of WeChat Pay with its private key."""

    serial: str
    pem: bytes
    key: rsa.RSAPrivateKey = field(repr=False)
    expires: dt.datetime


@dataclass(slots=True)
class SandboxKeys:
    """All keys. ``public_key_share`` (0 to 1): notifications signed with the public key during a migration."""

    mch_id: str
    public_key_open: bool
    public_key_share: float
    apiv3_key: str = field(repr=False)
    merchant_serial: str
    public_key_id: str
    certificates: list[PlatformCertificate]

    @classmethod
    def create(cls, mch_id: str, *, public_key_mode: bool) -> "SandboxKeys":
        alphabet = string.ascii_letters + string.digits
        keys = cls(
            mch_id=mch_id,
            public_key_open=public_key_mode,
            public_key_share=1.0 if public_key_mode else 0.0,
            apiv3_key="".join(secrets.choice(alphabet) for _ in range(32)),
            merchant_serial=secrets.token_hex(20).upper(),
            public_key_id="PUB_KEY_ID_" + "".join(secrets.choice(string.digits) for _ in range(24)),
            certificates=[],
        )
        if not public_key_mode:  # merchants created in public-key mode have no platform certificate
            keys.add_certificate()
        return keys

    def add_certificate(self) -> str:
        """Rotate: add a certificate that signs from now on, and return its serial. Older ones stay listed."""
        key = rsa_key(f"platform-{len(self.certificates)}")
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tenpay.com sandbox")])
        now = clock.now()
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=5 * 365))
            .sign(key, hashes.SHA256())
        )
        serial = f"{certificate.serial_number:040X}"
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        self.certificates.append(PlatformCertificate(serial, pem, key, certificate.not_valid_after_utc))
        return serial

    def verify_merchant(self, message: bytes, signature: str) -> bool:
        """Whether this base64 signature is the merchant's."""
        try:
            raw = base64.b64decode(signature, validate=True)
            rsa_key("merchant").public_key().verify(raw, message, padding.PKCS1v15(), hashes.SHA256())
        except (ValueError, InvalidSignature):
            return False
        return True

    def reply_serial(self, asked: str | None) -> str:
        """The serial that signs a reply: the public key if the request named it, else the newest certificate."""
        if self.public_key_open and (asked == self.public_key_id or not self.certificates):
            return self.public_key_id
        return self.certificates[-1].serial

    def notification_serial(self) -> str:
        """The serial that signs a notification, drawn at random by ``public_key_share``."""
        drawn = secrets.randbelow(1_000_000) < self.public_key_share * 1_000_000
        return self.public_key_id if drawn or not self.certificates else self.certificates[-1].serial

    def stamp(self, serial: str, body: bytes, *, at: float | None = None) -> dict[str, str]:
        """The five signature headers over ``body``. ``at`` overrides the time (seconds since the epoch)."""
        timestamp, nonce = str(int(clock.timestamp() if at is None else at)), secrets.token_urlsafe(24)[:32]
        message = f"{timestamp}\n{nonce}\n".encode() + body + b"\n"
        signature = self._signer(serial).sign(message, padding.PKCS1v15(), hashes.SHA256())
        return {
            "Wechatpay-Serial": serial,
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": base64.b64encode(signature).decode(),
            "Wechatpay-Signature-Type": SIGNATURE_TYPE,
        }

    def _signer(self, serial: str) -> rsa.RSAPrivateKey:
        if serial == self.public_key_id:
            return rsa_key("wechat-pay")
        known = {certificate.serial: certificate.key for certificate in self.certificates}
        return known.get(serial) or rsa_key("stranger")

    def seal(self, plain: bytes, associated_data: str) -> dict[str, str]:
        """Encrypt ``plain`` with the APIv3 key. Returns an AEAD_AES_256_GCM object."""
        nonce = secrets.token_hex(6)
        sealed = AESGCM(self.apiv3_key.encode()).encrypt(nonce.encode(), plain, associated_data.encode())
        return {
            "algorithm": "AEAD_AES_256_GCM",
            "nonce": nonce,
            "associated_data": associated_data,
            "ciphertext": base64.b64encode(sealed).decode(),
        }

    def write(self, directory: Path) -> dict[str, str]:
        """Write the merchant's key files (0600). Returns their settings, named without the CAMP_WECHAT_PAY__ prefix."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        private = directory / "wechat-pay-merchant-key.pem"
        _write_private(private, private_pem())
        environment = {
            "MCH_ID": self.mch_id,
            "CERT_SERIAL_NO": self.merchant_serial,
            "PRIVATE_KEY_PATH": str(private),
            "APIV3_KEY": self.apiv3_key,
        }
        if self.public_key_open:
            public = directory / "wechat-pay-public-key.pem"
            _write_private(public, public_pem())
            environment |= {"PUBLIC_KEY_ID": self.public_key_id, "PUBLIC_KEY_PATH": str(public)}
        return environment


def private_pem() -> bytes:
    return rsa_key("merchant").private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_pem() -> bytes:
    return (
        rsa_key("wechat-pay")
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def _write_private(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(content)
