"""Numbers, descriptions, prepay lives and what a payment must agree with."""

import datetime as dt
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.ids import new_number
from backend.core.states import IllegalMove
from backend.models.payments import PAYMENT_TRANSITIONS, Channel, Payment, PaymentStatus
from backend.money.payments import rules
from tests.money.payments.shop import fact_of


@given(st.integers(1, 50))
def test_an_order_number_is_one_the_provider_takes_and_never_the_same(count: int) -> None:
    """B13: 6 to 32 of its characters."""
    numbers = {new_number("P") for _ in range(count)}
    assert len(numbers) == count
    assert all(re.fullmatch(r"[0-9A-Za-z_\-|*]{6,32}", number) for number in numbers)


@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=50))
def test_a_description_fits_and_is_always_the_same(name: str) -> None:
    description = rules.description_for(name)
    assert 1 <= len(description.encode()) <= 127
    assert f"训练营押金-{name}".startswith(description)
    assert rules.description_for(name) == description


def test_a_short_name_is_told_whole() -> None:
    assert rules.description_for("七天写作营") == "训练营押金-七天写作营"


@pytest.mark.parametrize(("channel", "life"), [(Channel.JSAPI, 119), (Channel.H5, 4), (Channel.NATIVE, 119)])
def test_a_prepay_is_handed_out_a_minute_less_than_it_lives(channel: Channel, life: int) -> None:
    now = dt.datetime(2026, 3, 1, 2, tzinfo=dt.UTC)
    assert rules.prepay_expiry(channel, now) - now == dt.timedelta(minutes=life)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, []),
        ({"mch_id": "1900000999"}, ["mch_id"]),
        ({"app_id": "wx0"}, ["app_id"]),
        ({"amount_fen": 9901}, ["amount_fen"]),
        ({"amount_fen": 9899, "currency": "USD"}, ["amount_fen", "currency"]),
    ],
)
def test_a_payment_must_agree_with_its_order(changes: dict[str, Any], names: list[str]) -> None:
    payment = Payment(out_trade_no="P20260301AAAAAAAAAAAA", mch_id="1900006891", app_id="wx1", amount_fen=9900)
    assert rules.mismatches(payment, fact_of(payment, **changes)) == names


@pytest.mark.parametrize("old", PaymentStatus)
@pytest.mark.parametrize("new", PaymentStatus)
def test_every_move_of_an_order(old: PaymentStatus, new: PaymentStatus) -> None:
    """Paid is for ever; closed can still turn out to be paid."""
    possible = {("pending", "paid"), ("pending", "closed"), ("closed", "paid")}
    if (old, new) in possible:
        PAYMENT_TRANSITIONS.check(old, new)
    else:
        with pytest.raises(IllegalMove):
            PAYMENT_TRANSITIONS.check(old, new)
