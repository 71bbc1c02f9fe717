"""Passwords, tokens, secrets at rest, signed addresses."""

import secrets
import uuid

import pytest
from jose import jwt

from backend.core import security
from backend.core.security import SecretBox, hash_password, issue_token, read_token, verify_password
from tests.conftest import Time

SECRET = "a-secret-for-tests-of-32-characters"
KEY = secrets.token_bytes(32)


def test_long_passwords_count_to_their_last_character() -> None:
    hashed = hash_password("p" * 100 + "1")  # bcrypt alone reads only 72 bytes
    assert verify_password("p" * 100 + "1", hashed)
    assert not verify_password("p" * 100 + "2", hashed)


def test_the_same_password_is_hashed_differently_each_time() -> None:
    assert hash_password("密码-123456") != hash_password("密码-123456")


def test_a_token_names_its_holder_until_it_ends(time: Time) -> None:
    subject, session = uuid.uuid4(), uuid.uuid4()
    token = issue_token(SECRET, audience="admin", subject=subject, session=session, seconds=60)
    assert read_token(SECRET, token, audience="admin") == (subject, session)
    assert read_token(SECRET, token, audience="h5") is None
    assert read_token("another-secret-of-thirty-two-chars", token, audience="admin") is None
    time.advance(61)
    assert read_token(SECRET, token, audience="admin") is None


@pytest.mark.parametrize("algorithm", ["HS512", "HS384"])
def test_only_one_algorithm_is_taken(algorithm: str) -> None:
    claims = {"aud": "admin", "sub": str(uuid.uuid4()), "jti": str(uuid.uuid4()), "exp": 9_999_999_999}
    assert read_token(SECRET, jwt.encode(claims, SECRET, algorithm=algorithm), audience="admin") is None
    assert read_token(SECRET, jwt.encode(claims, SECRET, algorithm="HS256"), audience="admin") is not None


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "admin", "sub": "x", "jti": "y", "exp": 9_999_999_999},
        {"aud": "admin", "sub": str(uuid.uuid4()), "jti": str(uuid.uuid4())},
        {"aud": "admin", "exp": 9_999_999_999},
        {"sub": str(uuid.uuid4()), "jti": str(uuid.uuid4()), "exp": 9_999_999_999},
        {"aud": "admin", "sub": str(uuid.uuid4()), "jti": str(uuid.uuid4()), "exp": "soon"},
    ],
)
def test_strange_claims_are_no_token(claims: dict[str, object]) -> None:
    assert read_token(SECRET, jwt.encode(claims, SECRET, algorithm="HS256"), audience="admin") is None


def test_an_unsigned_token_is_no_token() -> None:
    token = issue_token(SECRET, audience="admin", subject=uuid.uuid4(), session=uuid.uuid4(), seconds=60)
    unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + token.split(".")[1] + "."  # {"alg": "none"}
    assert read_token(SECRET, unsigned, audience="admin") is None


def test_secrets_are_bound_to_what_they_belong_to() -> None:
    box = SecretBox([KEY])
    sealed = box.seal("凭证", context="planet:1")
    assert box.open(sealed, context="planet:1") == "凭证"
    assert box.seal("凭证", context="planet:1") != sealed
    for wrong in ("planet:2", ""):
        with pytest.raises(ValueError, match="no data key"):
            box.open(sealed, context=wrong)


def test_keys_rotate_the_first_encrypts_and_all_decrypt() -> None:
    new_key = secrets.token_bytes(32)
    old, rotated, new = SecretBox([KEY]), SecretBox([new_key, KEY]), SecretBox([new_key])
    assert rotated.open(old.seal("x", context="c"), context="c") == "x"
    assert new.open(rotated.seal("x", context="c"), context="c") == "x"
    with pytest.raises(ValueError, match="no data key"):
        new.open(old.seal("x", context="c"), context="c")


@pytest.mark.parametrize("sealed", ["", "AAAA", "not base64!", "A" * 80])
def test_damage_is_an_error_not_a_secret(sealed: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - base64 and our own messages differ
        SecretBox([KEY]).open(sealed, context="c")


def test_a_signed_address_ends(time: Time) -> None:
    expires = 1772330400 + 600  # ten minutes after the beginning of every test
    signature = security.sign_path(SECRET, "/media/a.png", expires)
    assert security.path_signature_holds(SECRET, "/media/a.png", expires, signature)
    assert not security.path_signature_holds(SECRET, "/media/b.png", expires, signature)
    assert not security.path_signature_holds(SECRET, "/media/a.png", expires + 1, signature)
    assert not security.path_signature_holds("another", "/media/a.png", expires, signature)
    time.advance(600)
    assert not security.path_signature_holds(SECRET, "/media/a.png", expires, signature)
