"""Who may do what, and what a password must be."""

import pytest

from backend.models.staff import StaffRole
from backend.office.staff.rules import PERMISSIONS, SCOPED_ROLES, Permission, password_problem

P = Permission


@pytest.mark.parametrize(
    ("permission", "roles"),
    [
        (P.CAMP_VIEW, "super_admin manager coach volunteer"),
        (P.MEMBER_JOIN, "super_admin manager coach volunteer"),
        (P.CHECKIN_VIEW, "super_admin manager coach volunteer"),
        (P.REFUND_VIEW, "super_admin manager coach"),
        (P.REFUND_REVIEW, "super_admin manager coach"),
        (P.REPORT_VIEW, "super_admin manager coach"),
        (P.CAMP_WRITE, "super_admin manager"),
        (P.MEMBER_MATCH, "super_admin manager"),
        (P.REFUND_EXECUTE, "super_admin manager"),
        (P.CHECKIN_SYNC, "super_admin manager"),
        (P.EXPORT, "super_admin manager"),
        (P.PLANET_VIEW, "super_admin manager"),
        (P.PLANET_WRITE, "super_admin"),
        (P.USER_WRITE, "super_admin"),
        (P.SETTINGS, "super_admin"),
        (P.LOG_VIEW, "super_admin"),
        (P.JOB_RUN, "super_admin"),
    ],
)
def test_the_table_of_the_requirements(permission: Permission, roles: str) -> None:
    assert {role for role in StaffRole if permission in PERMISSIONS[role]} == set(roles.split())


def test_helpers_are_scoped_to_their_camps() -> None:
    assert set(SCOPED_ROLES) == {"coach", "volunteer"}


@pytest.mark.parametrize("password", ["abcdefg1", "密码密码密码密码1", "p@ss word 1", "x" * 127 + "1"])
def test_good_passwords(password: str) -> None:
    assert password_problem(password, username="xiaochen") is None


@pytest.mark.parametrize("password", ["", "abcdef1", "abcdefgh", "12345678", "XiaoChen1", "x" * 128 + "1"])
def test_bad_passwords_are_told_why(password: str) -> None:
    assert password_problem(password, username="xiaochen1")
