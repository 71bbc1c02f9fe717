"""How good the matching is: a seeded, labelled, noisy crowd, and the figures of one run over it.

``python -m tests.community.matching.quality [seed]`` prints the figures.

The crowd is one planet and the payers of its camps. Each payer knows who they are (the label), and types what people
type: their number or their long id, full-width digits, leading zeros, blanks, other case, emoji, an old name, a typo,
swapped fields. Right is: matched or suggested to the label; or left undecided where nothing typed points to the label
alone. Everything else is wrong, also a match that was missed.
"""

import json
import random
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from backend.community.matching.rules import Entry, Form, People, Person, decide
from backend.core.text import folded
from backend.models.members import MatchStatus

PEOPLE = 2000
CAMPS = 20
PAYERS_PER_CAMP = 120
NUMBERS_KNOWN = 0.9

_FAMILY = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高"
_GIVEN = "晨曦明远静雅思源宇航子涵书瑶若水安宁乐天一帆文博嘉禾清扬"
_LATIN = ["Amy", "Leo", "Nora", "Evan", "Ｍia", "Ivy", "Zoë", "Max", "Ray", "Kiki"]
_EMOJI = ["🌱", "☀️", "🐳", "✨", "🍀"]

Forms = Callable[[random.Random, Person, Person], Form]


@dataclass(frozen=True, slots=True)
class Payer:
    """A form with the person who really filled it in (None: not on the planet) and the kind of noise in it."""

    form: Form
    label: str | None
    noise: str


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts over all payers; ``wrong_at`` by confidence, ``by_noise`` as (right, all)."""

    payers: int
    right: int
    matched: int
    wrong_at: dict[int, int]
    by_noise: dict[str, tuple[int, int]]

    @property
    def accuracy(self) -> float:
        return self.right / self.payers


def make_people(chance: random.Random) -> list[Person]:
    """A planet with short numbers, long ids, some equal names, some aliases, some numbers not known to us yet."""
    people = []
    for number in range(1, PEOPLE + 1):
        known = str(number * 3 + 100) if chance.random() < NUMBERS_KNOWN else None
        name = f"{_name(chance)}{_decoration(chance, number)}"
        alias = _name(chance) + str(number) if chance.random() < 0.2 else None
        people.append(Person(str(chance.randrange(10**11, 10**15)), known, name, alias))
    return people


def _name(chance: random.Random) -> str:
    if chance.random() < 0.25:
        return chance.choice(_LATIN) + chance.choice(["", " ", "_"]) + chance.choice(_LATIN)
    return chance.choice(_FAMILY) + "".join(chance.choices(_GIVEN, k=chance.choice([1, 2, 2])))


def _decoration(chance: random.Random, number: int) -> str:
    """Most names are one of a kind; one in ten is bare, and bare names repeat."""
    kind = chance.random()
    if kind < 0.1:
        return ""
    return chance.choice(_EMOJI) + str(number) if kind < 0.3 else str(number)


def _wide(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def _typed(person: Person, number: str | None = None, name: str | None = None, wechat: str = "") -> Form:
    return Form(number or person.number or person.user_id, name or person.name, wechat or f"微信{person.user_id[-6:]}")


def _mistyped(chance: random.Random, number: str) -> str:
    """A slip of the finger in a number."""
    at = chance.randrange(len(number))
    return number[:at] + chance.choice("0123456789") + number[at + chance.choice([0, 1]) :]


NOISE: dict[str, tuple[int, Forms]] = {
    "exact": (30, lambda _, me, __: _typed(me)),
    "user id for number": (10, lambda _, me, __: _typed(me, me.user_id)),
    "wide digits": (4, lambda _, me, __: _typed(me, _wide(me.number or me.user_id))),
    "leading zeros and blanks": (4, lambda _, me, __: _typed(me, f" 00{me.number or me.user_id} ")),
    "renamed since": (8, lambda c, me, __: _typed(me, name=_name(c) + "新")),
    "no number, own name": (8, lambda _, me, __: _typed(me, "99999999")),
    "no number, other case and width": (6, lambda _, me, __: _typed(me, "99999998", _wide(me.name.swapcase()))),
    "no number, alias": (4, lambda _, me, __: _typed(me, "99999997", me.alias)),
    "no number, blanks around": (4, lambda _, me, __: _typed(me, "99999996", f"　 {me.name}\t")),
    "names swapped": (4, lambda _, me, __: _typed(me, "99999995", f"微信{me.user_id[-6:]}", me.name)),
    "emoji dropped": (4, lambda _, me, __: _typed(me, name=me.name.translate({ord(e[0]): None for e in _EMOJI}))),
    "user id mistyped": (5, lambda c, me, __: _typed(me, _mistyped(c, me.user_id))),
    "short number mistyped": (2, lambda c, me, __: _typed(me, _mistyped(c, me.number or "999999"))),
    "nothing fits": (4, lambda c, me, __: _typed(me, "99999994", _name(c) + "旧", "旧")),
    "uses the number of another payer": (2, lambda _, me, other: _typed(me, other.number or other.user_id)),
    "stranger": (2, lambda c, me, __: Form(f"8{c.randrange(10**7)}", _name(c) + "客", "过客")),
}


def make_camps(chance: random.Random, people: list[Person]) -> list[list[Payer]]:
    """Camps of payers, each person at most once in a camp, except for who takes another payer's number."""
    camps = []
    for _ in range(CAMPS):
        chosen = chance.sample(people, PAYERS_PER_CAMP)
        payers = []
        for me, other in zip(chosen, [*chosen[1:], chosen[0]], strict=True):
            noise = chance.choices(list(NOISE), [weight for weight, _ in NOISE.values()])[0]
            label = None if noise == "stranger" else me.user_id
            payers.append(Payer(NOISE[noise][1](chance, me, other), label, noise))
        camps.append(payers)
    return camps


def measure(seed: int) -> Figures:
    """Match every camp of a crowd and compare with the labels."""
    chance = random.Random(seed)
    people = make_people(chance)
    directory = People(people)
    right, matched, wrong_at = 0, 0, Counter({33: 0, 66: 0, 100: 0})
    by_noise: dict[str, tuple[int, int]] = {}
    camps = make_camps(chance, people)
    for payers in camps:
        outcome = decide({index: Entry(payer.form) for index, payer in enumerate(payers)}, directory)
        for index, payer in enumerate(payers):
            match = outcome[index]
            matched += match.status is MatchStatus.MATCHED
            if match.planet_user_id is not None:
                good = match.planet_user_id == payer.label
                wrong_at[match.confidence] += not good
            else:
                good = not _is_findable(payer, payers, people)
            done, total = by_noise.get(payer.noise, (0, 0))
            by_noise[payer.noise] = (done + good, total + 1)
            right += good
    return Figures(sum(map(len, camps)), right, matched, dict(wrong_at), by_noise)


def _is_findable(payer: Payer, payers: list[Payer], people: list[Person]) -> bool:
    """Whether a careful person, with the planet's list and all forms, would say who this is without asking.

    Written without the product's index, so that it judges and doesn't repeat it; folding is common ground, since what
    counts as equal is given by the rules.
    """
    if payer.label is None:
        return False
    owners = {person.user_id for person in people if _number(payer) in (person.user_id, person.number)}
    named = {person.user_id for person in people if _is_called(person, payer.form.planet_nickname)}
    if owners:
        rivals = [other for other in payers if other is not payer and _claims(other, people, payer.label)]
        return owners == {payer.label} and not rivals
    if named:
        return named == {payer.label} and not any(other.label == payer.label for other in payers if other is not payer)
    return {person.user_id for person in people if _is_called(person, payer.form.wechat_nickname)} == {payer.label}


def _claims(other: Payer, people: list[Person], user_id: str) -> bool:
    return any(person.user_id == user_id and _number(other) in (person.user_id, person.number) for person in people)


def _number(payer: Payer) -> str:
    return unicodedata.normalize("NFKC", payer.form.planet_number).strip().lstrip("0")


def _is_called(person: Person, name: str) -> bool:
    return folded(name) in {folded(person.name), folded(person.alias or person.name)}


def main() -> None:
    figures = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    report = {
        "payers": figures.payers,
        "right": f"{figures.accuracy:.2%}",
        "matched": f"{figures.matched / figures.payers:.2%}",
        "wrong, by confidence": figures.wrong_at,
        "right by noise": {noise: f"{good}/{total}" for noise, (good, total) in sorted(figures.by_noise.items())},
    }
    sys.stdout.write(json.dumps(report, ensure_ascii=False, indent=2) + "\n")


if __name__ == "__main__":
    main()
