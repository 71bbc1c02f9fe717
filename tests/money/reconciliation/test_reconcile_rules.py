"""The comparison of a day's bills with our rows, case by case."""

import datetime as dt
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core import clock
from backend.gateways.wechat_pay import FundFlowRow, TradeBillRow
from backend.models.payments import Payment, PaymentStatus
from backend.models.refunds import Refund, RefundStatus
from backend.money.reconciliation.rules import Books, compare, compare_flows

DAY = dt.date(2026, 2, 28)
NOON = clock.day_start(DAY) + dt.timedelta(hours=12)
MIDNIGHT = clock.day_start(DAY + dt.timedelta(days=1))
S = RefundStatus


def payment(**fields: Any) -> Payment:
    values = {
        "id": uuid.uuid4(),
        "camp_id": uuid.uuid4(),
        "out_trade_no": "P1",
        "transaction_id": "4200-P1",
        "status": PaymentStatus.PAID,
        "amount_fen": 9900,
        "paid_at": NOON,
    }
    return Payment(**(values | fields))


def refund(**fields: Any) -> Refund:
    values = {
        "id": uuid.uuid4(),
        "camp_id": uuid.uuid4(),
        "payment_id": uuid.uuid4(),
        "out_refund_no": "R1",
        "status": S.SUCCEEDED,
        "amount_fen": 9900,
        "sent_at": NOON,
        "provider_refund_id": "5030-R1",
    }
    return Refund(**(values | fields))


def paid_row(number: str = "P1", **fields: Any) -> TradeBillRow:
    values: dict[str, Any] = {
        "trade_time": NOON,
        "transaction_id": f"4200-{number}",
        "out_trade_no": number,
        "trade_state": "SUCCESS",
        "amount_fen": 9900,
        "refund_id": None,
        "out_refund_no": None,
        "refund_fen": 0,
        "refund_status": None,
        "openid": "o-secret",
    }
    return TradeBillRow(**(values | fields))


def refund_row(number: str = "R1", **fields: Any) -> TradeBillRow:
    values: dict[str, Any] = {
        "trade_state": "REFUND",
        "amount_fen": 0,
        "refund_fen": 9900,
        "refund_id": f"5030-{number}",
        "out_refund_no": number,
        "refund_status": "PROCESSING",
    }
    return paid_row(**(values | fields))


def books(*rows: Payment | Refund) -> Books:
    payments = {row.out_trade_no: row for row in rows if isinstance(row, Payment)}
    return Books(payments, {row.out_refund_no: row for row in rows if isinstance(row, Refund)})


def kinds(bill: list[TradeBillRow], ours: Books, earlier: set[str] | None = None) -> list[str]:
    return [one.kind for one in compare(DAY, bill, ours, earlier or set()).differences]


def test_equal_books_differ_in_nothing() -> None:
    found = compare(DAY, [paid_row(), refund_row()], books(payment(), refund()), set())
    assert (found.differences, found.ask_payments, found.ask_refunds) == ([], [], [])


@pytest.mark.parametrize(
    ("bill", "ours", "kind"),
    [
        ([paid_row()], books(), "bill_only_payment"),
        ([paid_row(amount_fen=9901)], books(payment()), "payment_amount"),
        ([paid_row(transaction_id="4200-other")], books(payment()), "bill_only_payment"),
        ([], books(payment()), "local_only_payment"),
        ([refund_row()], books(), "bill_only_refund"),
        ([refund_row(refund_fen=1)], books(refund()), "refund_amount"),
        ([], books(refund()), "local_only_refund"),
        ([], books(refund(status=S.FAILED)), "local_only_refund"),
    ],
)
def test_each_difference_has_its_kind(bill: list[TradeBillRow], ours: Books, kind: str) -> None:
    [difference] = compare(DAY, bill, ours, set()).differences
    assert difference.kind == kind
    assert difference.summary
    assert "o-secret" not in repr(difference)


@pytest.mark.parametrize("status", [PaymentStatus.PENDING, PaymentStatus.CLOSED])
def test_a_payment_we_missed_is_asked_about(status: PaymentStatus) -> None:
    found = compare(DAY, [paid_row()], books(payment(status=status, transaction_id=None, paid_at=None)), set())
    assert (found.ask_payments, found.differences) == (["P1"], [])


@pytest.mark.parametrize("status", list(RefundStatus))
def test_the_bill_s_own_word_on_a_refund_decides_nothing(status: RefundStatus) -> None:
    """It says "accepted" once and isn't brought up to date: what we don't know is asked."""
    found = compare(DAY, [refund_row()], books(refund(status=status)), set())
    known = status in (S.PROCESSING, S.SUCCEEDED, S.CLOSED)
    assert found.ask_refunds == ([] if known else ["R1"])
    assert found.differences == []


@pytest.mark.parametrize(
    ("paid_at", "listed_here"),
    [
        (clock.day_start(DAY) - dt.timedelta(seconds=1), False),
        (clock.day_start(DAY), True),
        (MIDNIGHT - dt.timedelta(seconds=1), True),
        (MIDNIGHT, False),
        # 23:30 of the day before in UTC is 07:30 of this day in Shanghai.
        (dt.datetime(2026, 2, 27, 23, 30, tzinfo=dt.UTC), True),
        (dt.datetime(2026, 2, 28, 16, 0, tzinfo=dt.UTC), False),
    ],
)
def test_days_are_shanghai_days(paid_at: dt.datetime, listed_here: bool) -> None:
    assert kinds([], books(payment(paid_at=paid_at))) == (["local_only_payment"] if listed_here else [])


def test_a_refund_sent_just_before_midnight_may_stand_in_either_bill() -> None:
    late = MIDNIGHT - dt.timedelta(seconds=2)
    ours = books(refund(sent_at=late))
    assert kinds([], ours) == []  # judged with the next day
    next_day = DAY + dt.timedelta(days=1)
    assert compare(next_day, [refund_row()], ours, set()).differences == []
    assert compare(next_day, [], ours, {"R1"}).differences == []
    assert [one.kind for one in compare(next_day, [], ours, set()).differences] == ["local_only_refund"]


@pytest.mark.parametrize(
    "fields", [{"provider_refund_id": None}, {"sent_at": None}, {"status": S.PENDING_REVIEW}, {"status": S.REJECTED}]
)
def test_a_refund_the_provider_never_took_is_not_missed(fields: dict[str, Any]) -> None:
    assert kinds([], books(refund(**fields))) == []


def flow(kind: str, direction: Any, fen: int) -> FundFlowRow:
    return FundFlowRow(NOON, kind, direction, fen, "420", "P1")


def test_fund_flows_must_add_up_to_the_trade_bill() -> None:
    bill = [paid_row("P1"), paid_row("P2"), refund_row()]
    flows = [flow("交易", "in", 9900), flow("交易", "in", 9900), flow("退款", "out", 9900), flow("提现", "out", 5)]
    assert compare_flows(DAY, bill, flows) == []
    [one] = compare_flows(DAY, bill, flows[1:])
    assert (one.kind, one.about) == ("fund_flow_sum", "2026-02-28:交易")
    assert (one.detail["trade_bill_fen"], one.detail["fund_flow_fen"]) == (19800, 9900)
    assert [one.about for one in compare_flows(DAY, [], [flow("退款", "out", 1)])] == ["2026-02-28:退款"]


amounts = st.integers(1, 100_000)


@given(
    ours=st.dictionaries(st.sampled_from([f"P{n}" for n in range(8)]), amounts),
    theirs=st.dictionaries(st.sampled_from([f"P{n}" for n in range(8)]), amounts),
)
def test_any_two_books_of_payments(ours: dict[str, int], theirs: dict[str, int]) -> None:
    """Every order is told exactly once if and only if the two sides don't say the same."""
    rows = [
        payment(out_trade_no=number, transaction_id=f"4200-{number}", amount_fen=fen) for number, fen in ours.items()
    ]
    found = compare(DAY, [paid_row(number, amount_fen=fen) for number, fen in theirs.items()], books(*rows), set())
    told = sorted(one.about.removeprefix("4200-") for one in found.differences)
    assert told == sorted(number for number in ours.keys() | theirs.keys() if ours.get(number) != theirs.get(number))
