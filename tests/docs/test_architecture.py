"""What ``docs/architecture.md`` draws is what the code does."""

import re
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.core.states import Transitions
from backend.jobs import SCHEDULED
from backend.models.camps import CAMP_TRANSITIONS, CampStatus
from backend.models.checkins import SYNC_TRANSITIONS, SyncStatus
from backend.models.ledger import LedgerTransaction, Movement
from backend.models.members import MATCH_TRANSITIONS, MatchStatus
from backend.models.payments import PAYMENT_TRANSITIONS, Payment, PaymentStatus
from backend.models.refunds import REFUND_TRANSITIONS, Refund, RefundStatus
from backend.money.ledger import service as ledger
from backend.timetable import Daily, Every

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/architecture.md").read_text()


def section(title: str) -> str:
    """The text below a heading, up to the next heading."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", TEXT, re.DOTALL | re.MULTILINE)
    assert found, f"no heading {title!r}"
    return found[1]


def rows(title: str) -> list[list[str]]:
    """The cells of the section's table, without its head."""
    lines = [line.strip("|\n") for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.split("|")] for line in lines[2:]]


def moves(transitions: Transitions[Any], states: type[StrEnum]) -> set[tuple[str, str]]:
    return {(old.value, new.value) for old in states for new in transitions.after(old)}


@pytest.mark.parametrize(
    ("title", "transitions", "states"),
    [
        ("Camp", CAMP_TRANSITIONS, CampStatus),
        ("Payment", PAYMENT_TRANSITIONS, PaymentStatus),
        ("Refund", REFUND_TRANSITIONS, RefundStatus),
        ("Sync run", SYNC_TRANSITIONS, SyncStatus),
    ],
)
def test_drawn_states_are_those_of_the_table(title: str, transitions: Transitions[Any], states: type[StrEnum]):
    drawn = re.findall(r"^ +(\w+) --> (\w+)", section(title), re.MULTILINE)
    assert len(drawn) == len(set(drawn))
    assert set(drawn) == moves(transitions, states)


def test_match_states_are_those_of_the_table():
    listed = {(old.strip("`"), new) for old, cell in rows("Match") for new in re.findall(r"`(\w+)`", cell)}
    assert listed == moves(MATCH_TRANSITIONS, MatchStatus)


def test_layers_are_those_that_are_checked():
    whole, wings = re.findall(r"```text\n(.*?)```", section("Layers"), re.DOTALL)
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert whole.splitlines() == contracts[0]["layers"]
    listed = [
        f"{each['containers'][0].removeprefix('backend.')}: {', '.join(each['layers'])}" for each in contracts[1:]
    ]
    assert wings.splitlines() == listed


def test_every_wing_and_file_of_the_first_drawing_is_there():
    """A reader finds a line's place from the tree alone, so the tree has no other names than the drawing."""
    drawn = set(re.findall(r"[a-z]+(?:\.py|/)", TEXT[: TEXT.index("How the product is cut")])) - {"backend/"}
    found = {path.name + "/" if path.is_dir() else path.name for path in (ROOT / "backend").glob("[a-z]*")}
    assert drawn == found


def test_timetable_is_that_of_the_jobs():
    listed = [(name.strip("`"), when) for name, when, _ in rows("Scheduled work")]
    assert listed == [(name, spoken(job.when)) for name, job in SCHEDULED.items()]


def spoken(when: Every | Daily) -> str:
    if isinstance(when, Daily):
        return f"{when.hour:02}:{when.minute:02}"
    if when.minutes < 60:
        return "each minute" if when.minutes == 1 else f"each {when.minutes} minutes"
    hours = when.minutes // 60
    return "each hour" if hours == 1 else f"each {hours} hours from 00:{when.offset:02}"


def test_ledger_table_is_what_is_booked():
    booked: list[LedgerTransaction] = []

    class Notebook:
        def add(self, transaction: LedgerTransaction) -> None:
            booked.append(transaction)

    session = cast("AsyncSession", Notebook())
    payment = Payment(amount_fen=9900, paid_at=clock.now())
    refund = Refund(amount_fen=9900, sendings=1, succeeded_at=clock.now())
    ledger.paid(session, payment)
    ledger.kept(session, payment, 9900)
    ledger.fee(session, payment, 1000)
    for movement in (ledger.sent, ledger.confirmed, ledger.reversed_, ledger.settled_offline):
        movement(session, payment, refund)
    found = set()
    for transaction in booked:
        debit, credit = sorted(transaction.entries, key=lambda entry: -entry.amount_fen)
        found.add((transaction.movement.value, debit.account.value, credit.account.value))
    listed = {tuple(cell.strip("`") for cell in row[:3]) for row in rows("Ledger")}
    assert listed == found
    assert {movement for movement, _, _ in found} == {movement.value for movement in Movement}
