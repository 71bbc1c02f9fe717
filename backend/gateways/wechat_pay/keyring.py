"""The keys WeChat Pay signs with: both the configured public key and the platform certificates.

WeChat Pay moves a merchant from certificates to the public key gradually, at times the merchant doesn't control.
The serial of each answer or notification therefore selects the key (WeChat Pay v3, public key migration).
"""

import asyncio
import datetime as dt
import json
from collections.abc import Mapping

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from backend.core import clock
from backend.gateways.errors import GatewayError, Unavailable, Unknown
from backend.gateways.wechat_pay.credentials import Credentials
from backend.gateways.wechat_pay.signing import SignatureRefused, Stamp, Undecipherable, decipher
from backend.gateways.wechat_pay.types import SYSTEM
from backend.gateways.wechat_pay.wire import Wire, refusal

_FETCH_GAP_SECONDS = 60
Certificates = dict[str, tuple[RSAPublicKey, dt.datetime]]


class KeyRing:
    """Finds the key for a serial. For an unknown serial it fetches certificates, at most once a minute.

    The limit includes failed fetches and those caused by unauthenticated notifications. Otherwise forged
    notifications could make us flood WeChat Pay with requests.
    """

    def __init__(self, wire: Wire, credentials: Credentials) -> None:
        self._wire = wire
        self._credentials = credentials
        self._certificates: Certificates = {}
        self._fetched_at: float | None = None
        self._lock = asyncio.Lock()

    async def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Raises SignatureRefused unless ``headers`` carry WeChat Pay's signature over ``body``."""
        stamp = Stamp.read(headers)
        key = self._find(stamp.serial)
        if key is None:
            try:
                await self._refresh(stamp.serial)
            except GatewayError:
                raise SignatureRefused("unknown_serial") from None
            key = self._find(stamp.serial)
        if key is None:
            raise SignatureRefused("unknown_serial")
        stamp.verify(key, body)

    async def ready(self) -> None:
        """Call before a request: ensures that the answer can be verified. Raises Unavailable if it can't.

        A refused certificate request is Unavailable too. Its RESOURCE_NOT_EXISTS would otherwise look like that of a
        refund query.
        """
        if self._usable():
            return
        try:
            await self._refresh(None)
        except GatewayError as error:
            raise Unavailable(SYSTEM, "no_platform_certificate", error.code) from error
        if not self._usable():
            raise Unavailable(SYSTEM, "no_platform_certificate", retry_after=_FETCH_GAP_SECONDS)

    def _usable(self) -> bool:
        return self._credentials.public_key is not None or any(map(self._find, self._certificates))

    def _find(self, serial: str) -> RSAPublicKey | None:
        if self._credentials.public_key is not None and serial == self._credentials.public_key_id:
            return self._credentials.public_key
        key, expires = self._certificates.get(_plain(serial), (None, None))
        return key if expires is not None and clock.now() < expires else None

    async def _refresh(self, wanted: str | None) -> None:
        """Fetch certificates unless a concurrent caller has just done so or the last fetch is too recent."""
        async with self._lock:
            if self._usable() if wanted is None else self._find(wanted):
                return
            now = clock.timestamp()
            if self._fetched_at is not None and abs(now - self._fetched_at) < _FETCH_GAP_SECONDS:
                return
            self._fetched_at = now
            self._certificates = await self._fetch()

    async def _fetch(self) -> Certificates:
        response = await self._wire.exchange("GET", "/v3/certificates")
        if response.status_code != 200:
            raise refusal(response)
        try:
            certificates = dict(self._open(item) for item in json.loads(response.content)["data"])
            # The first download can't be verified before it is parsed. GCM with the APIv3 key authenticates the
            # certificates, and these verify the answer's signature.
            stamp = Stamp.read(response.headers)
            known = {serial: key for serial, (key, _) in certificates.items()}
            key = known.get(_plain(stamp.serial)) or self._find(stamp.serial)
            if key is None:
                raise SignatureRefused("unknown_serial")
            stamp.verify(key, response.content)
        except (ValueError, KeyError, TypeError, AttributeError, Undecipherable) as error:
            raise Unknown(SYSTEM, "bad_answer", "certificates") from error
        except SignatureRefused as error:
            raise Unknown(SYSTEM, "bad_signature", error.reason) from None
        return certificates

    def _open(self, item: Mapping[str, Mapping[str, str]]) -> tuple[str, tuple[RSAPublicKey, dt.datetime]]:
        # Take serial and validity from the certificate: the documented samples of the outer fields are inconsistent.
        pem = decipher(self._credentials.apiv3_key, item["encrypt_certificate"])
        certificate = x509.load_pem_x509_certificate(pem)
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey):
            raise ValueError("not an RSA certificate")
        return f"{certificate.serial_number:X}", (key, certificate.not_valid_after_utc)


def _plain(serial: str) -> str:
    return serial.upper().lstrip("0")
