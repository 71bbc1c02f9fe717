"""Passwords that are typed: the try is counted, the password looked at with no transaction open, the outcome kept."""

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.actor import Actor
from backend.core.errors import AppError, Invalid
from backend.models.staff import Staff
from backend.office.audit import service as audit
from backend.office.staff import repository, service, throttle
from backend.office.staff.service import AccountDisabled, LoginFailed, Viewer
from backend.office.staff.throttle import LoginLocked, Try
from backend.runtime import Runtime

# From here on a refusal says how many tries are left.
FEW_TRIES = 2


async def log_in(runtime: Runtime, *, username: str, password: str, actor: Actor) -> tuple[str, Staff]:
    """A token for whoever knows the password, and who that is. Raises LoginLocked, LoginFailed, AccountDisabled."""
    settings = runtime.settings
    async with runtime.db.transaction() as session:
        tried = await throttle.let_in(session, username=username, ip=actor.ip, settings=settings.login)
        seen = await repository.by_username(session, username)
    # The log is for ever, and what nobody is called may be a password in the wrong field.
    name = username if seen is not None else f"{username[:1]}***"
    actor = replace(actor, kind="staff", name=name)
    right = await service.right_password(seen, password)
    async with runtime.db.transaction() as session:
        staff = await repository.by_id(session, seen.id, lock=True) if seen is not None and right else None
        # A password that was changed meanwhile isn't right any more.
        if staff is not None and seen is not None and staff.password_hash == seen.password_hash and staff.active:
            await throttle.forgive(session, tried)
            secret = settings.secret_key.get_secret_value()
            token = await service.open_session(
                session, staff, secret=secret, hours=settings.admin_token_hours, actor=actor
            )
            return token, staff
        refusal = AccountDisabled() if staff is not None and not staff.active else _refusal(tried)
        error = refusal.message if isinstance(refusal, AccountDisabled) else LoginFailed.message
        audit.record(session, actor, "auth.login_failed", target_type="staff", target_name=name, error=error)
        _tell_locks(session, tried, name=name, actor=actor)
    raise refusal


async def confirm_password(runtime: Runtime, viewer: Viewer, password: str) -> bool:
    """Whether the person at the desk typed their own password again.

    Counted as at log-in, or a session left open would be a place to guess. What is counted and told of a wrong one
    stays, whatever becomes of the request. Raises LoginLocked.
    """
    staff, actor, settings = viewer.staff, viewer.actor, runtime.settings.login
    async with runtime.db.transaction() as session:
        tried = await throttle.let_in(session, username=staff.username, ip=actor.ip, settings=settings)
    right = await service.right_password(staff, password)
    async with runtime.db.transaction() as session:
        if right:
            await throttle.forgive(session, tried)
            return True
        audit.record(
            session, actor, "auth.password_wrong", target_type="staff", target_id=staff.id, target_name=staff.username
        )
        _tell_locks(session, tried, name=staff.username, actor=actor)
    lock = _lock(tried)
    if lock is not None:
        raise lock
    return False


async def change_password(runtime: Runtime, viewer: Viewer, *, old: str, new: str) -> None:
    """Set one's own password, which ends all one's sessions. Raises LoginLocked, Invalid."""
    if not await confirm_password(runtime, viewer, old):
        raise Invalid({"old_password": "原密码不正确"})
    async with runtime.db.transaction() as session:
        await service.change_password(session, viewer, old=old, new=new)


def _refusal(tried: Try) -> AppError:
    """The same for a name nobody has as for a wrong password."""
    lock = _lock(tried)
    if lock is not None:
        return lock
    if tried.tries_left <= FEW_TRIES:
        return LoginFailed(f"{LoginFailed.message}，再错 {tried.tries_left} 次将暂时锁定账号")
    return LoginFailed()


def _lock(tried: Try) -> LoginLocked | None:
    """What a failed try locked."""
    if tried.name_locked_until is not None:
        return LoginLocked.of_name(tried.name_locked_until - tried.at)
    if tried.address_locked_until is not None:
        return LoginLocked.of_address(tried.address_locked_until - tried.at)
    return None


def _tell_locks(session: AsyncSession, tried: Try, *, name: str, actor: Actor) -> None:
    """What a failed try locked, in the audit log. Tries while a lock lasts aren't told: there may be many."""
    if tried.name_locked_until is not None:
        audit.record(session, actor, "auth.lock", target_type="staff", target_name=name)
    if tried.address_locked_until is not None:
        audit.record(session, actor, "auth.lock", target_type="address", target_name=actor.ip)
