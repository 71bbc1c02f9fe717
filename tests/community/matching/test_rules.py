"""The cascade, ties and rivals; B2, B16, B17."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.community.matching.rules import Entry, Form, Match, People, Person, claim, decide, digits, likeness
from backend.models.members import MatchMethod, MatchStatus

LIN = Person("841855481284252", "101", "林间小路", "小林")
CHEN = Person("222233334444555", "102", "Chen Xi", None)
TWIN_A = Person("333344445555661", "103", "晨光", None)
TWIN_B = Person("333344445555662", "104", "不一样", "晨光")
PLANET = People([LIN, CHEN, TWIN_A, TWIN_B])


def form(number: str = "999", nickname: str = "无此人", wechat: str = "也无此人") -> Form:
    return Form(number, nickname, wechat)


def alone(typed: Form, people: People = PLANET) -> Match:
    return decide({"me": Entry(typed)}, people)["me"]


@pytest.mark.parametrize("number", ["101", "841855481284252", " 101 ", "１０１", "0101"])
def test_a_short_number_and_a_long_user_id_lead_to_the_same_person(number: str) -> None:
    assert alone(form(number)) == Match(MatchStatus.MATCHED, 100, MatchMethod.PLANET_NUMBER, LIN.user_id)


@pytest.mark.parametrize("nickname", ["林间小路", "小林", " 小林 ", "小林　"])
def test_a_planet_nickname_equals_the_name_or_the_alias(nickname: str) -> None:
    assert alone(form(nickname=nickname)) == Match(MatchStatus.MATCHED, 66, MatchMethod.PLANET_NICKNAME, LIN.user_id)


@pytest.mark.parametrize("nickname", ["chen xi", "ＣＨＥＮ　ＸＩ", "Chen   Xi", "CHEN XI"])
def test_names_are_compared_folded(nickname: str) -> None:
    assert alone(form(nickname=nickname)).planet_user_id == CHEN.user_id


def test_a_wechat_nickname_only_suggests() -> None:
    assert alone(form(wechat="小林")) == Match(MatchStatus.SUGGESTED, 33, MatchMethod.WECHAT_NICKNAME, LIN.user_id)


def test_the_number_has_precedence_over_a_nickname_that_is_nobodys() -> None:
    assert alone(form("102", nickname="改了名的人", wechat="小林")).planet_user_id == CHEN.user_id


def test_a_number_beside_the_nickname_of_exactly_one_other_person_is_never_a_guess() -> None:
    outcome = alone(form("102", nickname="小林", wechat="小林"))
    assert (outcome.status, outcome.confidence, outcome.planet_user_id) == (MatchStatus.CONFLICT, 0, None)
    assert outcome.note == "星球编号与星球昵称分别对应不同的星球成员"


def test_a_number_of_nobody_leaves_the_word_to_the_nickname() -> None:
    assert alone(form("5000", nickname="小林")).confidence == 66


def test_two_people_of_one_name_are_never_guessed_nor_passed_on_to_a_weaker_level() -> None:
    outcome = alone(form(nickname="晨光", wechat="小林"))
    assert (outcome.status, outcome.confidence, outcome.planet_user_id) == (MatchStatus.CONFLICT, 0, None)
    assert outcome.note


def test_a_number_of_one_that_is_the_user_id_of_another_is_a_conflict() -> None:
    people = People([Person("12345678901", "7", "甲", None), Person("98765432100", "12345678901", "乙", None)])
    assert alone(form("12345678901", nickname="甲"), people).status is MatchStatus.CONFLICT


def test_a_person_whose_number_is_their_user_id_is_one_person() -> None:
    people = People([Person("12345678901", "12345678901", "甲", None)])
    assert alone(form("12345678901"), people).status is MatchStatus.MATCHED


def test_nothing_fits() -> None:
    assert alone(form()) == Match(MatchStatus.UNMATCHED)


def test_blank_names_match_nobody() -> None:
    people = People([Person("11111111111", None, "", " ")])
    assert alone(form("", nickname=" ", wechat=""), people) == Match(MatchStatus.UNMATCHED)


def test_the_same_number_from_two_payers_is_a_conflict_of_both() -> None:
    outcome = decide({"a": Entry(form("101")), "b": Entry(form(LIN.user_id))}, PLANET)
    assert {match.status for match in outcome.values()} == {MatchStatus.CONFLICT}


def test_the_same_unknown_number_from_two_payers_is_a_conflict_of_both() -> None:
    outcome = decide({"a": Entry(form("777")), "b": Entry(form("0777")), "c": Entry(form("778"))}, PLANET)
    assert outcome["a"].status is outcome["b"].status is MatchStatus.CONFLICT
    assert outcome["c"].status is MatchStatus.UNMATCHED


def test_a_match_by_hand_stays_and_the_newcomer_is_the_conflict() -> None:
    outcome = decide({"a": Entry(form("101"), by_hand=LIN.user_id), "b": Entry(form("101"))}, PLANET)
    assert set(outcome) == {"b"}
    assert outcome["b"].status is MatchStatus.CONFLICT


def test_a_match_by_hand_to_somebody_else_frees_the_typed_person() -> None:
    outcome = decide({"a": Entry(form("101"), by_hand=CHEN.user_id), "b": Entry(form("101"))}, PLANET)
    assert outcome["b"].planet_user_id == LIN.user_id


def test_number_and_nickname_together_win_over_a_nickname_alone() -> None:
    outcome = decide({"a": Entry(form(nickname="小林")), "b": Entry(form("101", nickname="林间小路"))}, PLANET)
    assert outcome["b"] == Match(MatchStatus.MATCHED, 100, MatchMethod.PLANET_NUMBER, LIN.user_id)
    assert outcome["a"].status is MatchStatus.CONFLICT


def test_a_number_alone_against_the_nickname_of_another_payer_is_a_conflict_of_both() -> None:
    outcome = decide({"a": Entry(form(nickname="小林")), "b": Entry(form("101"))}, PLANET)
    assert {match.status for match in outcome.values()} == {MatchStatus.CONFLICT}


def test_a_suggestion_disputes_nothing() -> None:
    outcome = decide({"a": Entry(form(wechat="小林")), "b": Entry(form("101"))}, PLANET)
    assert outcome["b"].planet_user_id == LIN.user_id
    assert outcome["a"].status is MatchStatus.CONFLICT


def test_what_a_closed_member_typed_still_stands_in_the_way() -> None:
    outcome = decide({"a": Entry(form("101"), closed=True), "b": Entry(form("101"))}, PLANET)
    assert set(outcome) == {"b"}
    assert outcome["b"].status is MatchStatus.CONFLICT


@pytest.mark.parametrize("typed", ["", " ", "12a", "１2.5", "-3", "٣", "0", "000"])
def test_what_is_no_number(typed: str) -> None:
    assert digits(typed) is None


NUMBERS = ["1", "2", "3", "11111111111"]
NAMES = ["甲", "乙", "丙", " 甲", ""]
people_st = st.lists(
    st.builds(
        Person,
        user_id=st.sampled_from(["11111111111", "22222222222", "33333333333"]),
        number=st.sampled_from([*NUMBERS, None]),
        name=st.sampled_from(NAMES),
        alias=st.sampled_from([*NAMES, None]),
    ),
    unique_by=lambda person: person.user_id,
)
forms_st = st.builds(Form, st.sampled_from([*NUMBERS, "99"]), st.sampled_from(NAMES), st.sampled_from(NAMES))
entries_st = st.lists(st.builds(Entry, forms_st, st.just(None), st.booleans()), max_size=5)


@given(people_st, entries_st, st.randoms())
def test_the_order_of_payers_and_people_changes_nothing(people, entries, random) -> None:
    numbered = dict(enumerate(entries))
    shuffled = list(numbered.items())
    random.shuffle(shuffled)
    assert decide(numbered, People(people)) == decide(dict(shuffled), People(reversed(people)))


@given(people_st, entries_st)
def test_no_person_is_given_twice_and_every_outcome_is_of_a_kind(people, entries) -> None:
    outcome = decide(dict(enumerate(entries)), People(people))
    given = [match.planet_user_id for match in outcome.values() if match.planet_user_id]
    assert len(given) == len(set(given))
    assert set(outcome) == {key for key, entry in enumerate(entries) if not entry.closed}
    kinds: dict[MatchStatus, set[tuple[int, MatchMethod | None]]] = {
        MatchStatus.MATCHED: {(100, MatchMethod.PLANET_NUMBER), (66, MatchMethod.PLANET_NICKNAME)},
        MatchStatus.SUGGESTED: {(33, MatchMethod.WECHAT_NICKNAME)},
        MatchStatus.CONFLICT: {(0, None)},
        MatchStatus.UNMATCHED: {(0, None)},
    }
    for match in outcome.values():
        assert (match.confidence, match.method) in kinds[match.status]
        assert (match.planet_user_id is not None) == (match.status in (MatchStatus.MATCHED, MatchStatus.SUGGESTED))


@given(people_st, entries_st)
def test_a_match_is_always_what_the_form_alone_says(people, entries) -> None:
    directory = People(people)
    for key, match in decide(dict(enumerate(entries)), directory).items():
        if match.planet_user_id is not None:
            assert claim(entries[key].form, directory).hits == {match.planet_user_id}


def test_likeness_orders_candidates_and_knows_a_number() -> None:
    typed = form(nickname="林间小道", wechat="x")
    ranked = sorted([CHEN, TWIN_A, LIN], key=lambda person: likeness(typed, person), reverse=True)
    assert ranked[0] is LIN
    assert likeness(form("102"), CHEN) == 1.0
    assert all(0 <= likeness(typed, person) <= 1 for person in itertools.chain([LIN, CHEN, TWIN_A, TWIN_B]))
