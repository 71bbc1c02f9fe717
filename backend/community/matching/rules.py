"""Match payers to planet people by a strict cascade: the first level with a hit decides. Ties are never guessed.

Pure functions. Levels (design §7, product requirements §3.6): planet number 100, planet nickname 66, WeChat
nickname 33. :func:`decide` evaluates all claims at once, so the result doesn't depend on the order of payments.
If several payers claim one person, at most one can be right. No payer is matched unless one claim is certain:
a manual match, or number and nickname together against nicknames only.
"""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from backend.core.text import folded
from backend.models.members import MatchMethod, MatchStatus

K = TypeVar("K", bound=Hashable)

_STRENGTHS = {
    MatchMethod.MANUAL: 101,  # above any automatic match
    MatchMethod.PLANET_NUMBER: 100,
    MatchMethod.PLANET_NICKNAME: 66,
    MatchMethod.WECHAT_NICKNAME: 33,
}
_SERIOUS = 66  # weaker claims (suggestions) don't dispute a match
_FIELDS = {
    MatchMethod.PLANET_NUMBER: "星球编号",
    MatchMethod.PLANET_NICKNAME: "星球昵称",
    MatchMethod.WECHAT_NICKNAME: "微信昵称",
}


@dataclass(frozen=True, slots=True)
class Form:
    """What a payer typed."""

    planet_number: str
    planet_nickname: str
    wechat_nickname: str


@dataclass(frozen=True, slots=True)
class Person:
    """A known person of the planet, possibly one who left."""

    user_id: str
    number: str | None
    name: str
    alias: str | None
    # From an imported member list, assigned by unique name. As weak as a name match, so it never gives 100.
    listed_number: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """The people a form matches and the level that matched. Without a level there are no hits.

    ``is_named``: the planet nickname matches all hits too. ``is_torn``: number and nickname match one person each, and
    they differ.
    """

    hits: frozenset[str] = frozenset()
    method: MatchMethod | None = None
    is_named: bool = False
    is_torn: bool = False

    @property
    def person(self) -> str | None:
        """The person claimed; None unless there is exactly one hit."""
        return next(iter(self.hits)) if len(self.hits) == 1 else None

    @property
    def strength(self) -> int:
        return _STRENGTHS[self.method] if self.method else 0


@dataclass(frozen=True, slots=True)
class Entry:
    """A paid member as input to :func:`decide`.

    ``by_hand`` is the person assigned by staff. ``closed`` members get no match, but their form still conflicts with
    others: both can't be right, so staff must decide.
    """

    form: Form
    by_hand: str | None = None
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """The outcome for one member. ``note`` is Chinese and tells staff what to check."""

    status: MatchStatus
    confidence: int = 0
    method: MatchMethod | None = None
    planet_user_id: str | None = None
    note: str | None = None


class People:
    """Index of the planet's people by number, user id, listed number and name."""

    def __init__(self, persons: Iterable[Person]) -> None:
        self._by_number: defaultdict[str, set[str]] = defaultdict(set)
        self._by_name: defaultdict[str, set[str]] = defaultdict(set)
        self._by_listed: defaultdict[str, set[str]] = defaultdict(set)
        for person in persons:
            self._by_number[person.user_id].add(person.user_id)
            if person.number:
                self._by_number[person.number].add(person.user_id)
            if person.listed_number:
                self._by_listed[person.listed_number].add(person.user_id)
            for name in names_of(person):
                self._by_name[name].add(person.user_id)

    def numbered(self, typed: str) -> frozenset[str]:
        """People whose number or user id was typed. Payers confuse the two, so both are accepted."""
        number = digits(typed)
        return frozenset(self._by_number.get(number, ())) if number else frozenset()

    def listed(self, typed: str) -> frozenset[str]:
        """People whose ``listed_number`` was typed."""
        return frozenset(self._by_listed.get(digits(typed) or "", ()))

    def named(self, typed: str) -> frozenset[str]:
        return frozenset(self._by_name.get(folded(typed), ()))


def digits(typed: str) -> str | None:
    """Normalize a typed number to the stored form: ASCII digits without leading zeros. None if it isn't a number."""
    plain = "".join(unicodedata.normalize("NFKC", typed).split())
    return plain.lstrip("0") or None if plain.isascii() and plain.isdigit() else None


def names_of(person: Person) -> set[str]:
    """Name and alias, folded for comparison, without blank ones."""
    return {folded(name) for name in (person.name, person.alias) if name} - {""}


def numbers_of(person: Person | None) -> set[str]:
    """Numbers that count as this person's: user id and number."""
    return {number for number in (person.user_id, person.number) if number} if person else set()


def claim(form: Form, people: People) -> Claim:
    """Hits of the first level that matches anybody. A weaker level never breaks a tie.

    Numbers are small and dense, so a typo often gives another person's number. If number and nickname each match one
    person and they differ, both are hits: a confidence of 100 must never be wrong.
    """
    named, numbered = people.named(form.planet_nickname), people.numbered(form.planet_number)
    if len(numbered) == len(named) == 1 and numbered != named:
        return Claim(numbered | named, MatchMethod.PLANET_NUMBER, is_torn=True)
    for method, hits in (
        (MatchMethod.PLANET_NUMBER, numbered),
        (MatchMethod.PLANET_NICKNAME, named | people.listed(form.planet_number)),
        (MatchMethod.WECHAT_NICKNAME, people.named(form.wechat_nickname)),
    ):
        if hits:
            return Claim(hits, method, is_named=hits <= named)
    return Claim()


def decide(entries: Mapping[K, Entry], people: People) -> dict[K, Match]:
    """The outcome for each entry that is neither closed nor matched by hand."""
    claims = {key: claim(entry.form, people) for key, entry in entries.items() if entry.by_hand is None}
    rivals: defaultdict[str, dict[K, Claim]] = defaultdict(dict)
    for key, entry in entries.items():
        rival = claims.get(key) or Claim(frozenset({entry.by_hand or ""}), MatchMethod.MANUAL)
        if rival.person is not None:
            rivals[rival.person][key] = rival
    typed = Counter(digits(entry.form.planet_number) for entry in entries.values())
    outcome = {}
    for key, own in claims.items():
        if entries[key].closed:
            continue
        is_winner = own.person is not None and _winner(rivals[own.person]) == key
        number = digits(entries[key].form.planet_number)
        outcome[key] = _outcome(own, is_winner=is_winner, is_number_shared=number is not None and typed[number] > 1)
    return outcome


def _winner(claims: Mapping[K, Claim]) -> K | None:
    """Which claim gets the person that all these claims share; None if they conflict."""
    best = max(each.strength for each in claims.values())
    leader, *equals = [key for key, each in claims.items() if each.strength == best]
    if equals:
        return None
    is_disputed = any(each.strength >= _SERIOUS for key, each in claims.items() if key != leader)
    is_beyond_doubt = claims[leader].is_named or claims[leader].method is MatchMethod.MANUAL
    return leader if is_beyond_doubt or not is_disputed else None


def _outcome(own: Claim, *, is_winner: bool, is_number_shared: bool) -> Match:
    if own.method is None:
        # Members who typed the same number can't all be right, even while its owner is unknown.
        shared = Match(MatchStatus.CONFLICT, note="其他报名者填写了相同的星球编号")
        return shared if is_number_shared else Match(MatchStatus.UNMATCHED)
    if own.is_torn:
        return Match(MatchStatus.CONFLICT, note="星球编号与星球昵称分别对应不同的星球成员")
    if own.person is None:
        return Match(MatchStatus.CONFLICT, note=f"{_FIELDS[own.method]}对应多位星球成员")
    if not is_winner:
        return Match(MatchStatus.CONFLICT, note=f"{_FIELDS[own.method]}对应的星球成员也被其他报名者填写或已被匹配")
    status = MatchStatus.SUGGESTED if own.method is MatchMethod.WECHAT_NICKNAME else MatchStatus.MATCHED
    return Match(status, own.strength, own.method, own.person)


def likeness(form: Form, person: Person) -> float:
    """Similarity of person and form, 0 to 1. For sorting candidates shown to staff, never for decisions."""
    if digits(form.planet_number) in (person.user_id, person.number):
        return 1.0
    typed = [set(folded(name)) - {" "} for name in (form.planet_nickname, form.wechat_nickname)]
    known = [set(name) - {" "} for name in names_of(person)]
    return max((2 * len(a & b) / (len(a) + len(b)) for a in typed for b in known if a and b), default=0.0)


# Below half of the characters in common, a suggestion would mislead staff.
_LIKE_ENOUGH = 0.5


def agreement(form: Form, person: Person) -> list[MatchMethod]:
    """Typed fields that equal this person's, strongest first."""
    names = names_of(person)
    agrees = {
        MatchMethod.PLANET_NUMBER: digits(form.planet_number) in numbers_of(person),
        MatchMethod.PLANET_NICKNAME: folded(form.planet_nickname) in names,
        MatchMethod.WECHAT_NICKNAME: folded(form.wechat_nickname) in names,
    }
    return [method for method, does in agrees.items() if does]


def guess(form: Form, persons: Iterable[Person]) -> Person | None:
    """The person most similar to the form, as a suggestion to staff. None on a tie or without a similar person."""
    scored = sorted(((likeness(form, person), person) for person in persons), key=lambda pair: -pair[0])
    if not scored or scored[0][0] < _LIKE_ENOUGH or (len(scored) > 1 and scored[1][0] == scored[0][0]):
        return None
    return scored[0][1]
