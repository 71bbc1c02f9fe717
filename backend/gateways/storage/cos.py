"""Pictures in Tencent Cloud COS. The official SDK is blocking, so its calls run in a thread."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

from qcloud_cos import CosClientError, CosConfig, CosS3Client, CosServiceError

from backend.core.config import StorageSettings
from backend.gateways.errors import GatewayError, Rejected, Unavailable
from backend.gateways.storage.keys import SYSTEM, check_key

T = TypeVar("T")

TIMEOUT_SECONDS = 15
DEFAULT_URL_SECONDS = 24 * 3600

# The SDK logs signing keys at DEBUG and signed URLs with each failure.
logging.getLogger("qcloud_cos").setLevel(logging.CRITICAL + 1)


class CosStorage:
    """One private bucket. ``cos_base_url`` (scheme and host, no path) replaces ``<bucket>.cos.<region>.myqcloud.com``.

    With incomplete settings the constructor succeeds, but every call raises ``Rejected("not_configured")``.
    Presigned URLs use the machine's clock, because COS doesn't know the test clock.
    """

    def __init__(self, settings: StorageSettings) -> None:
        self._bucket = settings.cos_bucket
        self._client = _client(settings)

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        check_key(key)
        await self._call(
            lambda: self._sdk().put_object(
                Bucket=self._bucket, Body=data, Key=key, EnableMD5=True, ContentType=content_type
            )
        )

    async def get(self, key: str) -> bytes:
        check_key(key)

        def read() -> bytes:
            body = self._sdk().get_object(Bucket=self._bucket, Key=key)["Body"]
            return b"".join(body.get_stream(64 * 1024))

        return await self._call(read)

    async def delete(self, key: str) -> None:
        check_key(key)
        await self._call(lambda: self._sdk().delete_object(Bucket=self._bucket, Key=key))

    async def url(self, key: str, expires_seconds: int | None) -> str | None:
        check_key(key)
        address: str = self._sdk().get_presigned_download_url(
            Bucket=self._bucket, Key=key, Expired=expires_seconds or DEFAULT_URL_SECONDS
        )
        return address

    def _sdk(self) -> Any:
        if self._client is None:
            raise Rejected(SYSTEM, "not_configured")
        return self._client

    @staticmethod
    async def _call(function: Callable[[], T]) -> T:
        """Run one SDK call in a thread and translate its errors. All calls are idempotent, so Unknown isn't needed."""
        try:
            return await asyncio.to_thread(function)
        except CosServiceError as error:
            raise _refusal(error) from None
        except CosClientError:
            raise Unavailable(SYSTEM, "unreachable") from None
        except OSError as error:
            # The connection broke while reading the body; the SDK doesn't wrap that (requests' errors are OSErrors).
            raise Unavailable(SYSTEM, "broken_off", type(error).__name__) from None


def _client(settings: StorageSettings) -> Any:
    """The SDK client; None if a required setting is empty or the base URL is not just scheme and host."""
    secret = settings.cos_secret_key.get_secret_value()
    if not (settings.cos_bucket and settings.cos_region and settings.cos_secret_id and secret):
        return None
    place = urlsplit(settings.cos_base_url) if settings.cos_base_url else None
    if place and (place.scheme not in ("http", "https") or not place.netloc or place.path.strip("/")):
        return None
    config = CosConfig(
        Region=settings.cos_region,
        SecretId=settings.cos_secret_id,
        SecretKey=secret,
        Scheme=place.scheme if place else "https",
        Domain=place.netloc if place else None,
        Timeout=TIMEOUT_SECONDS,
    )
    # No retries in the SDK: they would sleep in the thread, and the caller decides about retries.
    return CosS3Client(config, retry=0)


def _refusal(error: Any) -> GatewayError:
    status: int = error.get_status_code()
    digest = error.get_digest_msg()
    code = str(digest.get("code") or f"http_{status}") if isinstance(digest, Mapping) else f"http_{status}"
    if status >= 500 or status == 429:
        return Unavailable(SYSTEM, code)
    if status == 404 and code in ("NoSuchKey", "NoSuchResource", "http_404"):
        return Rejected(SYSTEM, "not_found")
    return Rejected(SYSTEM, code)
