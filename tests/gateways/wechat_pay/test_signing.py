"""Signatures and sealed resources hold exactly for what was signed and sealed."""

import base64
import secrets

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.core import clock
from backend.gateways.wechat_pay.signing import MerchantKey, SignatureRefused, Stamp, Undecipherable, decipher
from backend.sandbox.wechat_pay.keys import rsa_key

KEY = MerchantKey("1900000001", "A1", rsa_key("merchant"))
EXAMPLES = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def stamped(body: bytes, nonce: str) -> dict[str, str]:
    timestamp = str(int(clock.timestamp()))
    return {
        "Wechatpay-Serial": "S",
        "Wechatpay-Timestamp": timestamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Signature": KEY.sign(timestamp.encode(), nonce.encode(), body),
    }


@EXAMPLES
@given(body=st.binary(max_size=200), nonce=st.text("0123456789ABCDEF", min_size=1, max_size=32))
def test_what_was_signed_verifies(body: bytes, nonce: str) -> None:
    Stamp.read(stamped(body, nonce)).verify(rsa_key("merchant").public_key(), body)


@EXAMPLES
@given(body=st.binary(min_size=1, max_size=200), data=st.data())
def test_one_changed_byte_does_not(body: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(body) - 1))
    changed = body[:at] + bytes([body[at] ^ data.draw(st.integers(1, 255))]) + body[at + 1 :]
    with pytest.raises(SignatureRefused):
        Stamp.read(stamped(body, "N")).verify(rsa_key("merchant").public_key(), changed)


def test_another_key_does_not() -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(SignatureRefused):
        Stamp.read(stamped(b"x", "N")).verify(other.public_key(), b"x")


def test_a_body_that_ends_in_a_line_feed_gets_its_own() -> None:
    with pytest.raises(SignatureRefused):
        Stamp.read(stamped(b"x", "N")).verify(rsa_key("merchant").public_key(), b"x\n")


@EXAMPLES
@given(plain=st.binary(max_size=200), aad=st.none() | st.text(max_size=20))
def test_what_was_sealed_opens(plain: bytes, aad: str | None) -> None:
    key, nonce = secrets.token_hex(16).encode(), secrets.token_hex(6)
    sealed = AESGCM(key).encrypt(nonce.encode(), plain, (aad or "").encode())
    resource: dict[str, object] = {
        "algorithm": "AEAD_AES_256_GCM",
        "nonce": nonce,
        "ciphertext": base64.b64encode(sealed).decode(),
        "associated_data": aad,
    }
    assert decipher(key, resource) == plain
    if aad is None:
        del resource["associated_data"]
        assert decipher(key, resource) == plain
    with pytest.raises(Undecipherable):
        decipher(key, resource | {"associated_data": "x" + (aad or "")})


def test_the_key_is_not_shown() -> None:
    assert "RSAPrivateKey" not in repr(KEY)
