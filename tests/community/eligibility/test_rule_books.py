"""Twenty rule books as organisers publish them: eighteen are data, two are refused on purpose."""

import pytest

from backend.community.eligibility.policy import parse, problems, read
from backend.community.eligibility.rules import assess
from backend.community.eligibility.words import describe
from backend.models.members import Verdict
from tests.community.eligibility.rule_books import INEXPRESSIBLE, RULE_BOOKS, Case, RuleBook, dates
from tests.community.eligibility.world import facts, granted

books = pytest.mark.parametrize("book", RULE_BOOKS, ids=lambda book: f"{book.number}")


def test_eighteen_of_twenty_are_expressible() -> None:
    assert [book.number for book in RULE_BOOKS] == list(range(1, 19))
    assert sorted(INEXPRESSIBLE) == [19, 20]
    assert all(len(book.cases) >= 4 for book in RULE_BOOKS)


@books
def test_a_rule_book_is_read_and_fits_its_camp(book: RuleBook) -> None:
    policy = read(book.policy)
    assert problems(policy, book.calendar, paid_fen=book.paid_fen) == {}
    assert parse(book.policy) == policy
    assert parse(policy.dump()) == policy


@pytest.mark.parametrize(
    ("book", "case"),
    [pytest.param(book, case, id=f"{book.number}: {case.name}") for book in RULE_BOOKS for case in book.cases],
)
def test_a_rule_book_pays_what_was_worked_out_by_hand(book: RuleBook, case: Case) -> None:
    known = facts(book.calendar, book.paid_fen, posts=dates(case.days), grants=granted(case.grants))
    found = assess(read(book.policy), known)
    deposit = book.paid_fen - book.policy.get("fee_fen", 0)
    outcomes = {0: Verdict.NOT_ELIGIBLE, deposit: Verdict.ELIGIBLE}
    assert found.entitled_fen == case.amount_fen
    assert found.verdict is outcomes.get(case.amount_fen, Verdict.PARTIAL)


@books
def test_a_rule_book_in_words_says_what_decides(book: RuleBook) -> None:
    words = describe(read(book.policy), book.calendar, paid_fen=book.paid_fen)
    text = "\n".join((words.short, *words.full))
    assert [part for part in book.words if part not in text] == []
    assert len(words.examples) == 3
