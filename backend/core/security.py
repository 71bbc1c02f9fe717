"""Passwords, tokens, encryption of secrets at rest, and signed URLs."""

import base64
import hashlib
import hmac
import secrets
import uuid
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from jose import JWTError, jwt
from passlib.context import CryptContext

from backend.core import clock

Audience = Literal["h5", "admin"]
_ALGORITHM = "HS256"
_passwords = CryptContext(schemes=["bcrypt"], bcrypt__rounds=12)


def hash_password(password: str) -> str:
    """A bcrypt hash of the password's SHA-256 in base64, since bcrypt ignores everything after 72 bytes."""
    hashed: str = _passwords.hash(_digest(password))
    return hashed


def verify_password(password: str, hashed: str) -> bool:
    return bool(_passwords.verify(_digest(password), hashed))


def _digest(password: str) -> str:
    return base64.b64encode(hashlib.sha256(password.encode()).digest()).decode()


def issue_token(secret: str, *, audience: Audience, subject: uuid.UUID, session: uuid.UUID, seconds: int) -> str:
    """A signed token with its holder (``sub``) and session (``jti``). It never contains permissions."""
    now = int(clock.timestamp())
    claims = {"aud": audience, "sub": str(subject), "jti": str(session), "iat": now, "exp": now + seconds}
    token: str = jwt.encode(claims, secret, algorithm=_ALGORITHM)
    return token


def read_token(secret: str, token: str, *, audience: Audience) -> tuple[uuid.UUID, uuid.UUID] | None:
    """Subject and session of a token; None if it is invalid, expired or for another audience."""
    try:
        # Our own clock checks expiry below. Without ``require_aud`` a token without audience would pass for any.
        options = {"verify_exp": False, "require_aud": True}
        claims = jwt.decode(token, secret, algorithms=[_ALGORITHM], audience=audience, options=options)
        if float(claims["exp"]) <= clock.timestamp():
            return None
        return uuid.UUID(claims["sub"]), uuid.UUID(claims["jti"])
    except (JWTError, KeyError, ValueError, TypeError):
        return None


class SecretBox:
    """AES-256-GCM for secrets at rest. The first key encrypts; all keys decrypt, so keys can be rotated."""

    def __init__(self, keys: list[bytes]) -> None:
        self._first = keys[0]
        self._keys = [AESGCM(key) for key in keys]

    def seal(self, plain: str, *, context: str) -> str:
        """Encrypt. ``context`` (such as ``planet:<id>``) is authenticated with it; ``open`` needs the same one."""
        nonce = secrets.token_bytes(12)
        return base64.b64encode(nonce + self._keys[0].encrypt(nonce, plain.encode(), context.encode())).decode()

    def reseal(self, sealed: str, *, context: str) -> str | None:
        """Encrypt again with the first key; None if it already uses that key. Raises ValueError when no key fits."""
        plain = self.open(sealed, context=context)
        try:
            SecretBox([self._first]).open(sealed, context=context)
        except ValueError:
            return self.seal(plain, context=context)
        return None

    def open(self, sealed: str, *, context: str) -> str:
        """Decrypt. Raises ValueError when no key fits."""
        raw = base64.b64decode(sealed)
        for key in self._keys:
            try:
                return key.decrypt(raw[:12], raw[12:], context.encode()).decode()
            except InvalidTag:
                continue
        raise ValueError("no data key opens this secret")


def sign_path(secret: str, path: str, expires: int) -> str:
    """The signature that allows fetching ``path`` until ``expires`` (seconds since the epoch)."""
    return hmac.new(secret.encode(), f"{path}\n{expires}".encode(), hashlib.sha256).hexdigest()


def path_signature_holds(secret: str, path: str, expires: int, signature: str) -> bool:
    return expires > clock.timestamp() and hmac.compare_digest(sign_path(secret, path, expires), signature)
