"""The people of the demo: payers, what they type into the form, and their planet accounts."""

import random
from dataclasses import dataclass, field
from enum import StrEnum

SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
GIVEN = "安宁清远子墨若溪知秋晚晴一诺思齐明轩雨桐星河可心浩然云舒书瑶景行嘉木望舒"


class How(StrEnum):
    """What a payer typed, which determines the matching rule that applies."""

    NUMBER = "planet number"
    USER_ID = "long user id as number"
    NICKNAME = "wrong number, right planet nickname"
    WECHAT = "only the WeChat nickname fits"
    TWIN = "wrong number, a nickname two people have"
    RENAMED = "right number, renamed afterwards"
    STRANGER = "nobody on the planet"


@dataclass
class Person:
    """One payer. ``days`` are the camp days (1…) with a check-in. ``user_id`` is set after joining the planet."""

    how: How
    name: str
    openid: str
    days: list[int]
    number: int = 0
    user_id: str = ""
    form: dict[str, str] = field(default_factory=dict)
    note: str = ""
    member_id: str = ""
    payment_id: str = ""


def main_cast(total_days: int, required_days: int, seed: int = 20) -> list[Person]:
    """The 121 payers of the main camp. A fixed seed makes them the same in each run."""
    dice = random.Random(seed)  # noqa: S311 - a play, not a secret
    counts = {
        How.NUMBER: 72,
        How.USER_ID: 20,
        How.NICKNAME: 18,
        How.WECHAT: 6,
        How.TWIN: 1,
        How.RENAMED: 3,
        How.STRANGER: 1,
    }
    names = _names(dice, sum(counts.values()))
    cast: list[Person] = []
    for how, count in counts.items():
        for _ in range(count):
            name = names.pop()
            days = sorted(dice.sample(range(1, total_days + 1), dice.randint(required_days, total_days)))
            cast.append(Person(how, name, f"oDemo{len(cast):04d}{dice.randrange(16**12):012x}", days))
    _set_scenes(cast, required_days)
    return cast


def _names(dice: random.Random, count: int) -> list[str]:
    found: set[str] = set()
    while len(found) < count:
        found.add(dice.choice(SURNAMES) + "".join(dice.sample(GIVEN, dice.choice((1, 2)))))
    return sorted(found)


def _set_scenes(cast: list[Person], required_days: int) -> None:
    """Assign the special cases. All are people matched by planet number, so that no match is uncertain."""
    sure = [person for person in cast if person.how is How.NUMBER]
    scenes = iter(sure)
    hero = next(scenes)
    hero.note, hero.days = "23:58 on the last day", [1, 2, 3, 4, 7][:required_days]
    near_miss = next(scenes)
    near_miss.note, near_miss.days = "near miss", list(range(1, required_days))
    early = next(scenes)
    early.note, early.days = "an early post only the ranking counts", [0, *range(1, required_days)]
    next(scenes).note = "rejected by the reviewer"
    next(scenes).note = "pays twice"
    next(scenes).note = "lost callback"
    next(scenes).note = "five callbacks at once"
    for _ in range(7):
        short = next(scenes)
        short.note, short.days = "gave up", list(range(1, 3))


def fill_form(person: Person, dice: random.Random) -> None:
    """Set what the person types. ``number`` and ``user_id`` must be set before."""
    wrong_number = str(dice.randint(700_000, 799_999))
    number = {
        How.NUMBER: str(person.number),
        How.RENAMED: str(person.number),
        How.USER_ID: person.user_id,
    }.get(person.how, wrong_number)
    nickname = person.name
    wechat = f"微信{person.name}"
    if person.how is How.NICKNAME:
        nickname = dice.choice([f" {person.name} ", person.name, f"{person.name}\u3000"])
    elif person.how is How.WECHAT:
        nickname, wechat = f"{person.name}的小号", person.name
    elif person.how is How.STRANGER:
        nickname, wechat = "路过的陌生人", "路人甲"
    person.form = {"planet_nickname": nickname, "planet_number": number, "wechat_nickname": wechat}
