"""Pure checks: what an enrolment form must contain, and whether a paid order gets a place."""

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass

from backend.core.errors import Invalid
from backend.core.text import has_control_characters
from backend.models.camps import Camp, CampStatus
from backend.models.payments import Excess

MAX_NAME = 50
_NUMBER = re.compile(r"[0-9]{1,20}")
_OVER = frozenset({CampStatus.ENDED, CampStatus.SETTLING, CampStatus.ARCHIVED, CampStatus.CANCELLED})


@dataclass(frozen=True, slots=True)
class EnrollmentForm:
    """The form before payment. ``planet_number``: the member number or the long user id."""

    planet_nickname: str
    planet_number: str
    wechat_nickname: str


def read_form(*, planet_nickname: str, planet_number: str, wechat_nickname: str) -> EnrollmentForm:
    """Trim and check the fields. Raises Invalid, which names each bad field."""
    form = EnrollmentForm(
        planet_nickname=planet_nickname.strip(),
        # Phone keyboards offer full-width digits, which the check below would refuse.
        planet_number=unicodedata.normalize("NFKC", planet_number).strip(),
        wechat_nickname=wechat_nickname.strip(),
    )
    problems = {}
    for field in ("planet_nickname", "wechat_nickname"):
        name = getattr(form, field)
        if not 1 <= len(name) <= MAX_NAME:
            problems[field] = f"须为 1 至 {MAX_NAME} 个字"
        elif has_control_characters(name):
            problems[field] = "含有不可见的控制字符"
    if not _NUMBER.fullmatch(form.planet_number):
        problems["planet_number"] = "星球编号须为 1 至 20 位数字"
    if problems:
        raise Invalid(problems)
    return form


def excess_of(camp: Camp, *, on_time: bool, taken: int, today: dt.date) -> Excess | None:
    """Why an order that was just paid gets no place; None if it gets one.

    An order paid on time has held its seat, so only the end of the camp refuses it. A late payment is treated like a
    new enrolment. ``taken``: members and pending orders, without this one.
    """
    if camp.status in _OVER or today > camp.ends_on:
        return Excess.CAMP_OVER
    if on_time:
        return None
    if camp.status is not CampStatus.ENROLLING or today >= camp.starts_on:
        return Excess.CAMP_STARTED
    return Excess.CAMP_FULL if taken >= camp.capacity else None
