"""Protection against password guessing: failed log-ins lock a user name, and the address they came from, for a time.

PostgreSQL holds one row for each name and address. A try counts as failed *before* its password is verified, and is
removed if it was right, so that concurrent tries get no extra guesses. Unknown names are counted and locked like known
ones, so that a lock doesn't reveal whether an account exists.
"""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.core.config import LoginSettings
from backend.core.errors import TooMany
from backend.models.staff import LoginGuard
from backend.office.staff import repository
from backend.office.staff.rules import address_subject, failures_with, name_subject, waiting_words


class LoginLocked(TooMany):
    """The remaining time is in the message, and in seconds in ``data.retry_after`` and the ``Retry-After`` header."""

    code, message = "login_locked", "登录失败次数过多，请稍后再试"

    @classmethod
    def of_name(cls, left: dt.timedelta) -> "LoginLocked":
        words = f"该账号登录失败次数过多，已临时锁定，请 {waiting_words(left)}后再试，或联系超级管理员解锁"
        return cls(words, retry_after=_seconds(left))

    @classmethod
    def of_address(cls, left: dt.timedelta) -> "LoginLocked":
        return cls(f"当前网络登录失败次数过多，已临时锁定，请 {waiting_words(left)}后再试", retry_after=_seconds(left))


def _seconds(left: dt.timedelta) -> int:
    return int(left.total_seconds()) + 1


@dataclass(frozen=True, slots=True)
class Try:
    """An admitted try, and what its failure means: the tries left, and the end of the locks it causes."""

    at: dt.datetime
    name: str
    address: str
    tries_left: int
    name_locked_until: dt.datetime | None
    address_locked_until: dt.datetime | None


async def let_in(session: AsyncSession, *, username: str, ip: str | None, settings: LoginSettings) -> Try:
    """Count a try as failed for the name and the address. Raises LoginLocked without counting."""
    now, name, address = clock.now(), name_subject(username), address_subject(ip)
    guards = await repository.guards_locked(session, (name, address), at=now)
    for subject, refusal in ((name, LoginLocked.of_name), (address, LoginLocked.of_address)):
        until = guards[subject].locked_until
        if until is not None and until > now:
            raise refusal(until - now)
    window, lock = dt.timedelta(minutes=settings.window_minutes), dt.timedelta(minutes=settings.lock_minutes)
    for guard in guards.values():
        guard.failures = failures_with(guard.failures, now=now, window=window)
        limit = settings.failures if guard.subject == name else settings.address_failures
        guard.locked_until = now + lock if len(guard.failures) >= limit else None
    return Try(
        at=now,
        name=name,
        address=address,
        tries_left=max(0, settings.failures - len(guards[name].failures)),
        name_locked_until=guards[name].locked_until,
        address_locked_until=guards[address].locked_until,
    )


async def forgive(session: AsyncSession, tried: Try) -> None:
    """Undo a try whose password was right: clear the name, and remove only this try from the address."""
    guards = await repository.guards_locked(session, (tried.name, tried.address), at=clock.now())
    _clear(guards[tried.name])
    address = guards[tried.address]
    address.failures = [at for at in address.failures if at != tried.at]
    if address.locked_until == tried.address_locked_until:
        address.locked_until = None


async def unlock(session: AsyncSession, username: str) -> bool:
    """Unlock a user name. Returns whether it was locked."""
    now, name = clock.now(), name_subject(username)
    guard = (await repository.guards_locked(session, [name], at=now))[name]
    was_locked = guard.locked_until is not None and guard.locked_until > now
    _clear(guard)
    return was_locked


def _clear(guard: LoginGuard) -> None:
    guard.failures, guard.locked_until = [], None


async def locked_until(session: AsyncSession, usernames: list[str]) -> dict[str, dt.datetime]:
    """By name, the end of the lock; only for names that are locked now."""
    found = await repository.locks(session, [name_subject(name) for name in usernames], at=clock.now())
    return {name: found[name_subject(name)] for name in usernames if name_subject(name) in found}
