"""Image URLs: posters are public, a group QR needs a short-lived signed URL."""

import re

from backend.core import clock
from backend.core.security import path_signature_holds, sign_path
from backend.models.uploads import UploadKind
from backend.runtime import Runtime

SIGNED_SECONDS = 600
_EXPIRES = re.compile(r"[0-9]{1,12}")


async def public_url(runtime: Runtime, key: str) -> str:
    """The absolute URL of a poster."""
    address = await runtime.storage.url(key, None)
    return address or f"{runtime.settings.public_base_url}{media_path(key)}"


async def signed_url(runtime: Runtime, key: str) -> str:
    """An absolute URL of a group QR. It works without a log-in for ten minutes."""
    address = await runtime.storage.url(key, SIGNED_SECONDS)
    if address is not None:
        return address
    path, expires = media_path(key), int(clock.timestamp()) + SIGNED_SECONDS
    signature = sign_path(_secret(runtime), path, expires)
    return f"{runtime.settings.public_base_url}{path}?expires={expires}&signature={signature}"


async def url_of(runtime: Runtime, key: str | None) -> str | None:
    """The public or signed URL, depending on the kind of image; None without a key."""
    if key is None:
        return None
    return await (signed_url(runtime, key) if needs_signature(key) else public_url(runtime, key))


def may_fetch(runtime: Runtime, key: str, *, expires: str | None, signature: str | None) -> bool:
    """Whether a request with these URL parameters may read the image."""
    if not needs_signature(key):
        return key.startswith(f"{UploadKind.POSTER}/")
    if not expires or not signature or not _EXPIRES.fullmatch(expires) or not signature.isascii():
        return False
    return path_signature_holds(_secret(runtime), media_path(key), int(expires), signature)


def needs_signature(key: str) -> bool:
    return key.startswith(f"{UploadKind.GROUP_QR}/")


def media_path(key: str) -> str:
    return f"/media/{key}"


def _secret(runtime: Runtime) -> str:
    return runtime.settings.secret_key.get_secret_value()
