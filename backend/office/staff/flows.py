"""Password checks: count the try, verify the password outside of transactions, store the result."""

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

# From this many remaining tries on, the error message tells the number.
FEW_TRIES = 2


async def log_in(runtime: Runtime, *, username: str, password: str, actor: Actor) -> tuple[str, Staff]:
    """Returns a new token and its owner. Raises LoginLocked, LoginFailed, AccountDisabled."""
    settings = runtime.settings
    async with runtime.db.transaction() as session:
        tried = await throttle.let_in(session, username=username, ip=actor.ip, settings=settings.login)
        seen = await repository.by_username(session, username)
    # Audit rows are permanent, and an unknown user name may be a password typed into the wrong field. So mask it.
    name = username if seen is not None else f"{username[:1]}***"
    actor = replace(actor, kind="staff", name=name)
    right = await service.right_password(seen, password)
    async with runtime.db.transaction() as session:
        staff = await repository.by_id(session, seen.id, lock=True) if seen is not None and right else None
        # The password may have been changed while it was verified.
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
    """Whether ``password`` is the viewer's own password.

    Wrong tries count as at log-in, so that a session left open can't be used for guessing. The count and the audit row
    of a wrong password are committed, whatever happens to the request. Raises LoginLocked.
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
    """Change the viewer's own password and end all their sessions. Raises LoginLocked, Invalid."""
    if not await confirm_password(runtime, viewer, old):
        raise Invalid({"old_password": "原密码不正确"})
    async with runtime.db.transaction() as session:
        await service.change_password(session, viewer, old=old, new=new)


def _refusal(tried: Try) -> AppError:
    """The error after a failed try. It is the same for an unknown name and a wrong password."""
    lock = _lock(tried)
    if lock is not None:
        return lock
    if tried.tries_left <= FEW_TRIES:
        return LoginFailed(f"{LoginFailed.message}，再错 {tried.tries_left} 次将暂时锁定账号")
    return LoginFailed()


def _lock(tried: Try) -> LoginLocked | None:
    """The lock that a failed try caused; None if it caused none."""
    if tried.name_locked_until is not None:
        return LoginLocked.of_name(tried.name_locked_until - tried.at)
    if tried.address_locked_until is not None:
        return LoginLocked.of_address(tried.address_locked_until - tried.at)
    return None


def _tell_locks(session: AsyncSession, tried: Try, *, name: str, actor: Actor) -> None:
    """Audit the locks that a failed try caused. Tries during a lock aren't audited, since there may be many."""
    if tried.name_locked_until is not None:
        audit.record(session, actor, "auth.lock", target_type="staff", target_name=name)
    if tried.address_locked_until is not None:
        audit.record(session, actor, "auth.lock", target_type="address", target_name=actor.ip)
