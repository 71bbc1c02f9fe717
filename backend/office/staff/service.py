"""Staff: log-in, sessions, passwords, accounts."""

import asyncio
import datetime as dt
import secrets
import string
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.core.actor import Actor
from backend.core.errors import AppError, Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from backend.core.ids import new_id
from backend.core.security import hash_password, issue_token, read_token, verify_password
from backend.models.staff import Staff, StaffRole, StaffSession
from backend.office.audit import service as audit
from backend.office.staff import repository, throttle
from backend.office.staff.rules import PASSWORDS_REMEMBERED, PERMISSIONS, SCOPED_ROLES, Permission, password_problem


class LoginFailed(AppError):
    """Unknown name or wrong password. The response is the same for both, so it doesn't reveal user names."""

    code, status, message = "login_failed", 401, "用户名或密码错误"


class AccountDisabled(AppError):
    code, status, message = "account_disabled", 403, "账号已停用，请联系超级管理员"


class PasswordChangeRequired(AppError):
    code, status, message = "password_change_required", 403, "首次登录请先修改密码"


class UsernameTaken(Conflict):
    code, message = "username_taken", "用户名已存在"


class LastSuperAdmin(Conflict):
    code, message = "last_super_admin", "至少要保留一名启用的超级管理员，请先添加或启用另一名"


class NotYourself(Conflict):
    code, message = "not_yourself", "不能停用、删除自己或修改自己的角色，请由另一名超级管理员操作"


@dataclass(frozen=True, slots=True)
class Viewer:
    """A logged-in staff member: permissions, and visible camps (``None``: all)."""

    staff: Staff
    session_id: uuid.UUID
    permissions: frozenset[Permission]
    camp_ids: frozenset[uuid.UUID] | None
    actor: Actor

    def require(self, permission: Permission) -> None:
        """Raise Forbidden unless the role has the permission."""
        if permission not in self.permissions:
            raise Forbidden

    def require_camp(self, camp_id: uuid.UUID) -> None:
        """Raise Forbidden for a camp outside of the viewer's scope."""
        if self.camp_ids is not None and camp_id not in self.camp_ids:
            raise Forbidden("没有查看该训练营的权限")


async def right_password(staff: Staff | None, password: str) -> bool:
    """Whether the password is right. Takes as long for an unknown user, so timing doesn't reveal user names."""
    hashed = staff.password_hash if staff is not None else await _decoy_hash()
    return await asyncio.to_thread(verify_password, password, hashed) and staff is not None


_decoy: list[str] = []


async def _decoy_hash() -> str:
    if not _decoy:
        _decoy.append(await asyncio.to_thread(hash_password, secrets.token_urlsafe(16)))
    return _decoy[0]


async def open_session(session: AsyncSession, staff: Staff, *, secret: str, hours: int, actor: Actor) -> str:
    """Create a session and return its token. ``staff`` is locked and active, and the password was verified."""
    now = clock.now()
    row = StaffSession(id=new_id(), staff_id=staff.id, expires_at=now + dt.timedelta(hours=hours))
    session.add(row)
    staff.last_login_at = now
    _audit(session, _as(actor, staff), "auth.login", staff)
    return issue_token(secret, audience="admin", subject=staff.id, session=row.id, seconds=hours * 3600)


def _as(actor: Actor, staff: Staff) -> Actor:
    return Actor("staff", staff.username, staff.id, actor.ip, actor.user_agent, actor.request_id)


async def authenticate(session: AsyncSession, *, token: str, secret: str, actor: Actor) -> Viewer:
    """The viewer of a token. Raises Unauthenticated. Reads PostgreSQL each time, so a revocation applies at once."""
    claims = read_token(secret, token, audience="admin")
    found = await repository.live_session(session, claims[1], at=clock.now()) if claims else None
    if found is None or claims is None or found.staff_id != claims[0]:
        raise Unauthenticated("登录已失效，请重新登录")
    staff = found.staff
    scope = await repository.camp_ids_of(session, staff.id) if staff.role in SCOPED_ROLES else None
    return Viewer(staff, found.id, PERMISSIONS[staff.role], scope, _as(actor, staff))


async def log_out(session: AsyncSession, viewer: Viewer) -> None:
    await repository.revoke_sessions(session, viewer.staff.id, at=clock.now(), only=viewer.session_id)
    _audit(session, viewer.actor, "auth.logout", viewer.staff)


async def change_password(session: AsyncSession, viewer: Viewer, *, old: str, new: str) -> None:
    """Change the viewer's own password and end all their sessions. ``old`` was verified. Raises Invalid."""
    if old == new:
        raise Invalid({"new_password": "新密码不能与原密码相同"})
    staff = await get(session, viewer.staff.id, lock=True)
    if await _was_used(staff, new):
        raise Invalid({"new_password": f"不能使用最近 {PASSWORDS_REMEMBERED} 次用过的密码"})
    await _set_password(staff, new, field="new_password")
    staff.must_change_password = False
    await repository.revoke_sessions(session, staff.id, at=clock.now())
    _audit(session, viewer.actor, "auth.password_change", staff)


async def create(
    session: AsyncSession,
    actor: Actor,
    *,
    username: str,
    display_name: str,
    role: StaffRole,
    password: str,
    must_change_password: bool = True,
    wecom_user_id: str | None = None,
) -> Staff:
    """Create an account. Raises Invalid, UsernameTaken."""
    if await repository.by_username(session, username) is not None:
        raise UsernameTaken
    staff = Staff(
        id=new_id(),
        username=username,
        display_name=display_name,
        role=role,
        password_hash="",
        former_password_hashes=[],
        must_change_password=must_change_password,
        wecom_user_id=wecom_user_id,
    )
    await _set_password(staff, password, field="password")
    session.add(staff)
    try:
        async with session.begin_nested():
            await session.flush()
    except IntegrityError as error:  # created concurrently
        raise UsernameTaken from error
    after = {"username": username, "display_name": display_name, "role": role.value}
    if wecom_user_id is not None:
        after["wecom_user_id"] = wecom_user_id
    _audit(session, actor, "user.create", staff, after=after)
    return staff


async def update(
    session: AsyncSession,
    viewer: Viewer,
    staff_id: uuid.UUID,
    *,
    display_name: str | None = None,
    role: StaffRole | None = None,
    active: bool | None = None,
    wecom_user_id: str | None = None,
) -> Staff:
    """Change an account. None keeps a value; an empty ``wecom_user_id`` removes it.

    Changing the role or disabling the account ends its sessions.

    Raises NotFound, NotYourself, LastSuperAdmin.
    """
    admins = await repository.active_super_admins_locked(session)
    staff = await get(session, staff_id, lock=True)
    before = _told(staff)
    role = role or staff.role
    active = staff.active if active is None else active
    loses_power = role is not staff.role or not active
    if loses_power:
        _protect(viewer, staff, admins, keeps_admin=role is StaffRole.SUPER_ADMIN and active)
        await repository.revoke_sessions(session, staff.id, at=clock.now())
    staff.display_name, staff.role, staff.active = display_name or staff.display_name, role, active
    if wecom_user_id is not None:
        staff.wecom_user_id = wecom_user_id or None
    changed_before, changed_after = audit.difference(before, _told(staff))
    action = "user.disable" if changed_after.get("active") is False else "user.update"
    _audit(session, viewer.actor, action, staff, before=changed_before, after=changed_after)
    return staff


def _told(staff: Staff) -> dict[str, object]:
    """The fields of an account that the audit log records."""
    return {
        "display_name": staff.display_name,
        "role": staff.role.value,
        "active": staff.active,
        "wecom_user_id": staff.wecom_user_id,
    }


async def delete(session: AsyncSession, viewer: Viewer, staff_id: uuid.UUID) -> None:
    """Soft-delete an account and end its sessions. Raises NotFound, NotYourself, LastSuperAdmin."""
    admins = await repository.active_super_admins_locked(session)
    staff = await get(session, staff_id, lock=True)
    _protect(viewer, staff, admins, keeps_admin=False)
    staff.deleted_at = clock.now()
    staff.active = False
    await repository.revoke_sessions(session, staff.id, at=clock.now())
    _audit(session, viewer.actor, "user.delete", staff)


async def reset_password(session: AsyncSession, viewer: Viewer, staff_id: uuid.UUID) -> str:
    """Set and return a random password, which must be changed at the next log-in. Ends sessions and unlocks the name.

    Raises NotFound.
    """
    staff = await get(session, staff_id, lock=True)
    password = _random_password()
    await _set_password(staff, password, field="password")
    staff.must_change_password = True
    await repository.revoke_sessions(session, staff.id, at=clock.now())
    await throttle.unlock(session, staff.username)
    _audit(session, viewer.actor, "user.reset_password", staff)
    return password


async def unlock(session: AsyncSession, viewer: Viewer, staff_id: uuid.UUID) -> Staff:
    """Unlock a user name that is locked after failed log-ins. Raises NotFound."""
    staff = await get(session, staff_id, lock=True)
    if await throttle.unlock(session, staff.username):
        _audit(session, viewer.actor, "user.unlock", staff)
    return staff


def _random_password() -> str:
    """Twelve letters and digits, with at least one of each."""
    alphabet = string.ascii_letters + string.digits
    while True:
        password = "".join(secrets.choice(alphabet) for _ in range(12))
        if any(c.isdigit() for c in password) and any(c.isalpha() for c in password):
            return password


async def get(session: AsyncSession, staff_id: uuid.UUID, *, lock: bool = False) -> Staff:
    """An account that isn't deleted. Raises NotFound."""
    staff = await repository.by_id(session, staff_id, lock=lock)
    if staff is None:
        raise NotFound("用户不存在")
    return staff


def _protect(viewer: Viewer, staff: Staff, admins: Sequence[Staff], *, keeps_admin: bool) -> None:
    """Raise NotYourself or LastSuperAdmin for changes that would lock out the viewer or remove the last super_admin.

    ``admins`` are always locked before the account itself, so two admins who change each other can't deadlock.
    """
    if staff.id == viewer.staff.id:
        raise NotYourself
    if staff.role is StaffRole.SUPER_ADMIN and not keeps_admin and all(admin.id == staff.id for admin in admins):
        raise LastSuperAdmin


async def _set_password(staff: Staff, password: str, *, field: str) -> None:
    problem = password_problem(password, username=staff.username)
    if problem is not None:
        raise Invalid({field: problem})
    if staff.password_hash:
        remembered = [staff.password_hash, *staff.former_password_hashes]
        staff.former_password_hashes = remembered[: PASSWORDS_REMEMBERED - 1]
    staff.password_hash = await asyncio.to_thread(hash_password, password)


async def _was_used(staff: Staff, password: str) -> bool:
    for hashed in (staff.password_hash, *staff.former_password_hashes):
        if await asyncio.to_thread(verify_password, password, hashed):
            return True
    return False


def _audit(
    session: AsyncSession,
    actor: Actor,
    action: str,
    staff: Staff,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    audit.record(
        session,
        actor,
        action,
        target_type="staff",
        target_id=staff.id,
        target_name=staff.username,
        before=before,
        after=after,
    )
