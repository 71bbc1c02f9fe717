"""Where a log-in may lead back to (B28)."""

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.office.payers.rules import own_page


@pytest.mark.parametrize(
    "address", ["/", "/camps/1", "/enroll/0198?from=群聊", "/progress/1#days", "/a?next=https://x.example/"]
)
def test_our_own_pages_are_kept(address: str) -> None:
    assert own_page(address) == address


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "camps/1",
        "//evil.example",
        "///evil.example",
        "https://evil.example/",
        "HTTPS:evil.example",
        "http://testserver@evil.example/",
        "javascript:alert(1)",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        " //evil.example",
        "/\u202e/evil",
        "/" + "a" * 500,
    ],
)
def test_anything_else_becomes_the_home_page(address: str | None) -> None:
    assert own_page(address) == "/"


@given(st.text(alphabet="/\\:@.?#ab\t\n\r ", max_size=12))
def test_whatever_comes_stays_on_our_host(address: str) -> None:
    assert urlsplit(urljoin("https://camp.example/auth/callback", own_page(address))).netloc == "camp.example"
