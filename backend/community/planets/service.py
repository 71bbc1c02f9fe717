"""Planets and their credentials.

Credentials are stored encrypted and shown masked. Saving one, or a successful test, re-enables the planet's syncs.
"""

import datetime as dt
import hashlib
import uuid
from collections.abc import Mapping

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.planets import repository
from backend.core import clock
from backend.core.actor import Actor
from backend.core.errors import Conflict, Invalid, NotFound
from backend.core.ids import new_id
from backend.core.security import SecretBox
from backend.gateways import zsxq
from backend.models.planets import CredentialStatus, Planet
from backend.office.audit import service as audit
from backend.office.notifications import scenes
from backend.office.notifications import service as notifications
from backend.office.notifications.service import To
from backend.runtime import Runtime


class PlanetExists(Conflict):
    code, message = "planet_exists", "该星球（群组编号）已经添加过"


class PlanetInUse(Conflict):
    code, message = "planet_in_use", "已有训练营使用该星球，不能再修改群组编号"


class CredentialUnreadable(Conflict):
    """No data key decrypts the sealed token, for example because a key was lost."""

    code, message = "credential_unreadable", "凭证无法解密，请重新保存 Cookie"


async def get_planet(session: AsyncSession, planet_id: uuid.UUID) -> Planet:
    """Raises NotFound."""
    planet = await repository.by_id(session, planet_id)
    if planet is None:
        raise NotFound("星球不存在")
    return planet


def planet_gateway(runtime: Runtime, planet: Planet) -> zsxq.Planet:
    """Client for the planet, using its saved credential. Raises CredentialUnreadable."""
    try:
        token = runtime.secrets.open(planet.sealed_token, context=seal_context(planet.id))
    except ValueError as error:
        raise CredentialUnreadable from error
    return runtime.zsxq.planet(planet.group_id, token)


async def create(
    session: AsyncSession, actor: Actor, secrets: SecretBox, *, name: str, group_id: str, cookie: str
) -> Planet:
    """Add a planet. ``cookie`` is the bare token or a full Cookie header. Raises Invalid, PlanetExists."""
    planet = Planet(id=new_id(), name=name, group_id=group_id)
    _save_cookie(planet, secrets, cookie)
    session.add(planet)
    await _flush_unique(session)
    _audit(session, actor, "planet.create", planet, {}, {"name": name, "group_id": group_id})
    return planet


async def update(
    session: AsyncSession,
    actor: Actor,
    secrets: SecretBox,
    planet_id: uuid.UUID,
    *,
    name: str | None,
    group_id: str | None,
    cookie: str | None,
) -> Planet:
    """Change a planet. None (or an empty cookie) keeps the present value.

    Saving a cookie, even the same one, resets the credential to untested, which re-enables syncs.

    Raises NotFound, Invalid, PlanetExists, PlanetInUse.
    """
    planet = await _locked(session, planet_id)
    before = {"name": planet.name, "group_id": planet.group_id}
    name, group_id = name or planet.name, group_id or planet.group_id
    if group_id != planet.group_id:
        # Stored people and check-ins belong to the old planet. A new group id would attribute them to another one.
        if await repository.has_camps(session, planet_id):
            raise PlanetInUse
        _rearm(planet)
    planet.name, planet.group_id = name, group_id
    after: dict[str, object] = {"name": name, "group_id": group_id}
    if cookie:
        _save_cookie(planet, secrets, cookie)
        after["cookie"] = "****"
    await _flush_unique(session)
    _audit(session, actor, "planet.update", planet, before, after)
    return planet


async def credential_works(session: AsyncSession, tested: Planet, *, expires_in_seconds: int | None = None) -> None:
    """Mark the credential in ``tested`` as valid; set its expiry if ``expires_in_seconds`` is given.

    Does nothing if a newer credential was saved meanwhile.
    """
    planet = await _locked(session, tested.id)
    if planet.sealed_token != tested.sealed_token:
        return
    now = clock.now()
    planet.credential_status, planet.credential_checked_at = CredentialStatus.VALID, now
    if expires_in_seconds is not None:
        planet.credential_expires_at = now + dt.timedelta(seconds=expires_in_seconds)


async def credential_failed(session: AsyncSession, tested: Planet, *, reason: str) -> None:
    """Stop the planet's syncs because 知识星球 refused the credential in ``tested``; notify staff.

    ``reason`` is Chinese. Does nothing if a newer credential was saved meanwhile.
    """
    planet = await _locked(session, tested.id)
    if planet.sealed_token != tested.sealed_token:
        return
    planet.credential_status, planet.credential_checked_at = CredentialStatus.CREDENTIAL_INVALID, clock.now()
    await alert(session, planet, reason=reason)


async def alert(session: AsyncSession, planet: Planet, *, reason: str) -> None:
    """Notify staff that a planet can't be read: once a day per credential, and at most once an hour."""
    values = {"planet": planet.name, "cause": reason, "time": clock.minute(clock.now())}
    credential = hashlib.sha256(planet.sealed_token.encode()).hexdigest()[:12]
    about = f"{planet.id}:{credential}:{clock.today()}"
    await notifications.notify(session, scenes.CREDENTIAL_EXPIRED, To.staff(), about=about, values=values)


def record_test(session: AsyncSession, actor: Actor, planet: Planet, *, ok: bool, detail: str) -> None:
    """Record a manual connection test and its result in the audit log."""
    _audit(
        session, actor, "planet.test", planet, {}, {"ok": ok}, note=detail if ok else None, error=None if ok else detail
    )


async def _locked(session: AsyncSession, planet_id: uuid.UUID) -> Planet:
    planet = await repository.by_id(session, planet_id, lock=True)
    if planet is None:
        raise NotFound("星球不存在")
    return planet


def _save_cookie(planet: Planet, secrets: SecretBox, cookie: str) -> None:
    try:
        token = zsxq.token_from_cookie(cookie)
    except ValueError as error:
        raise Invalid({"cookie": str(error)}) from None
    planet.sealed_token = secrets.seal(token, context=seal_context(planet.id))
    planet.token_hint = token[-4:]
    _rearm(planet)


def _rearm(planet: Planet) -> None:
    planet.credential_status = CredentialStatus.UNTESTED
    planet.credential_checked_at = planet.credential_expires_at = None


def seal_context(planet_id: uuid.UUID) -> str:
    """Encryption context of a planet's sealed token. A token copied to another planet doesn't decrypt."""
    return f"planet:{planet_id}"


async def _flush_unique(session: AsyncSession) -> None:
    """Flush. Raises PlanetExists on any IntegrityError: the only unique column is the group id."""
    try:
        async with session.begin_nested():
            await session.flush()
    except IntegrityError as error:
        raise PlanetExists from error


def _audit(
    session: AsyncSession,
    actor: Actor,
    action: str,
    planet: Planet,
    before: Mapping[str, object],
    after: Mapping[str, object],
    *,
    note: str | None = None,
    error: str | None = None,
) -> None:
    changed_before, changed_after = audit.difference(before, after)
    audit.record(
        session,
        actor,
        action,
        target_type="planet",
        target_id=planet.id,
        target_name=planet.name,
        before=changed_before,
        after=changed_after,
        note=note,
        error=error,
    )
