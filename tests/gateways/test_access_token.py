"""The shared token: kept, renewed when refused, and by force only when nobody else renewed it."""

from typing import Any

import pytest

from backend.gateways.access_token import AccessToken
from backend.gateways.errors import Rejected, Unavailable, Unknown


class Provider:
    """Hands out ``current`` until forced; accepts only what is in ``good``."""

    def __init__(self) -> None:
        self.current, self.good, self.asked = "t0", {"t0"}, list[bool]()

    async def fetch(self, force: bool) -> dict[str, Any]:
        self.asked.append(force)
        if force:
            self.current = f"t{len(self.asked)}"
            self.good = {self.current}
        return {"access_token": self.current, "expires_in": 7200}

    async def call(self, token: str) -> str:
        if token not in self.good:
            raise Rejected("x", "40001")
        return token


async def test_a_token_that_is_still_handed_out_but_refused_is_renewed_by_force() -> None:
    provider = Provider()
    token = AccessToken(provider.fetch, refused_codes={"40001"})
    assert await token.use(provider.call) == "t0"
    provider.good = set()
    assert await token.use(provider.call) == "t3"
    assert provider.asked == [False, False, True]


async def test_one_that_another_process_renewed_is_taken_without_force() -> None:
    provider = Provider()
    token = AccessToken(provider.fetch, refused_codes={"40001"})
    await token.use(provider.call)
    provider.current, provider.good = "theirs", {"theirs"}
    assert await token.use(provider.call) == "theirs"
    assert provider.asked == [False, False]


async def test_other_refusals_renew_nothing() -> None:
    provider = Provider()
    token = AccessToken(provider.fetch, refused_codes={"40001"})

    async def call(_: str) -> None:
        raise Rejected("x", "40037")

    with pytest.raises(Rejected, match="40037"):
        await token.use(call)
    assert provider.asked == [False]


@pytest.mark.parametrize("answer", [{}, {"access_token": ""}, {"access_token": "t", "expires_in": "soon"}])
async def test_without_a_token_nothing_was_sent(answer: dict[str, Any]) -> None:
    async def fetch(_: bool) -> dict[str, Any]:
        return answer

    async def lost(_: bool) -> dict[str, Any]:
        raise Unknown("x", "no_answer")

    for how in (fetch, lost):
        with pytest.raises(Unavailable):
            await AccessToken(how, refused_codes=()).use(Provider().call)
