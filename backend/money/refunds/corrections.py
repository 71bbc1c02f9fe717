"""Members correct the planet data they typed, until something is decided on it (requirements §3.6)."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.camps import service as camps
from backend.community.matching import service as matching
from backend.community.members import repository as members
from backend.community.members.rules import correction
from backend.community.members.service import camp_of
from backend.core import clock
from backend.core.actor import Actor
from backend.core.errors import Conflict
from backend.models.members import Member


class PlanetLocked(Conflict):
    """The message is the reason, worded for the member."""

    code, message = "planet_locked", "星球信息已不能修改"


async def correct_planet(
    session: AsyncSession, member_id: uuid.UUID, *, planet_nickname: str, planet_number: str, actor: Actor
) -> None:
    """Store a member's corrected planet data and match again. Idempotent.

    Raises NotFound, PlanetLocked.
    """
    camp = await camps.lock_camp(session, await camp_of(session, member_id))
    # Under the camp's lock, matches and refunds can't change between this check and the update. Don't lock the member
    # here: ``retype`` locks all members in one order, which prevents deadlocks.
    member = await session.get_one(Member, member_id, populate_existing=True)
    refunds = await members.refunds(session, [member.payment_id])
    reason = correction(member, camp, [refund.status for refund in refunds], now=clock.now()).locked_reason
    if reason is not None:
        raise PlanetLocked(reason)
    if (member.planet_nickname, member.planet_number) == (planet_nickname, planet_number):
        return
    await matching.retype(session, member, planet_nickname=planet_nickname, planet_number=planet_number, actor=actor)
