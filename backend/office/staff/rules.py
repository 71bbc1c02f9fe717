"""Role permissions (product requirements §1), password rules, and log-in throttling."""

import datetime as dt
import math
from collections.abc import Sequence
from enum import StrEnum

from backend.core.addresses import network_of
from backend.models.staff import StaffRole


class Permission(StrEnum):
    CAMP_VIEW = "camp.view"
    CAMP_WRITE = "camp.write"
    MEMBER_VIEW = "member.view"
    MEMBER_JOIN = "member.join"
    MEMBER_MATCH = "member.match"
    CHECKIN_VIEW = "checkin.view"
    CHECKIN_SYNC = "checkin.sync"
    DAY_GRANT = "day.grant"
    REFUND_VIEW = "refund.view"
    REFUND_REVIEW = "refund.review"
    REFUND_EXECUTE = "refund.execute"
    REPORT_VIEW = "report.view"
    RECONCILIATION = "reconciliation"
    PLANET_VIEW = "planet.view"
    PLANET_WRITE = "planet.write"
    USER_VIEW = "user.view"
    USER_WRITE = "user.write"
    SETTINGS = "settings"
    LOG_VIEW = "log.view"
    NOTICE = "notice"
    JOB_RUN = "job.run"
    EXPORT = "export"


_P = Permission
_VOLUNTEER = frozenset({_P.CAMP_VIEW, _P.MEMBER_VIEW, _P.MEMBER_JOIN, _P.CHECKIN_VIEW})
_COACH = _VOLUNTEER | {_P.DAY_GRANT, _P.REFUND_VIEW, _P.REFUND_REVIEW, _P.REPORT_VIEW}
_MANAGER = _COACH | {
    _P.CAMP_WRITE,
    _P.MEMBER_MATCH,
    _P.CHECKIN_SYNC,
    _P.REFUND_EXECUTE,
    _P.RECONCILIATION,
    _P.PLANET_VIEW,
    _P.USER_VIEW,
    _P.EXPORT,
    _P.NOTICE,
}
PERMISSIONS: dict[StaffRole, frozenset[Permission]] = {
    StaffRole.SUPER_ADMIN: frozenset(Permission),
    StaffRole.MANAGER: _MANAGER,
    StaffRole.COACH: _COACH,
    StaffRole.VOLUNTEER: _VOLUNTEER,
}

# Coaches and volunteers see only the camps they are assigned to.
SCOPED_ROLES = frozenset({StaffRole.COACH, StaffRole.VOLUNTEER})


def password_problem(password: str, *, username: str) -> str | None:
    """Why a password is rejected, in Chinese; None if it is acceptable."""
    if len(password) < 8:
        return "密码至少 8 位"
    if len(password) > 128:
        return "密码最多 128 位"
    if not (any(c.isalpha() for c in password) and any(c.isdigit() for c in password)):
        return "密码须同时包含字母和数字"
    if password.lower() == username.lower():
        return "密码不能与用户名相同"
    return None


# The current password and the former ones that can't be reused.
PASSWORDS_REMEMBERED = 3

NAME_SUBJECT, ADDRESS_SUBJECT = "name:", "address:"


def name_subject(username: str) -> str:
    """The key that counts failed log-ins of a user name, whether or not the account exists."""
    return NAME_SUBJECT + username.lower()


def address_subject(ip: str | None) -> str:
    """The key that counts failed log-ins from an address."""
    return ADDRESS_SUBJECT + str(network_of(ip) or ip or "")


def failures_with(failures: Sequence[dt.datetime], *, now: dt.datetime, window: dt.timedelta) -> list[dt.datetime]:
    """The failures within the window, plus one at ``now``."""
    return [*(at for at in failures if at > now - window), now]


def waiting_words(left: dt.timedelta) -> str:
    """The remaining wait in Chinese, rounded up."""
    seconds = math.ceil(left.total_seconds())
    return f"{seconds} 秒" if seconds < 60 else f"{math.ceil(seconds / 60)} 分钟"
