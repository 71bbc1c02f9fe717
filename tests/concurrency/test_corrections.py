"""Members correct their planet data while their refunds are being reviewed: several connections, real commits."""

import asyncio

from sqlalchemy import select

from backend.core.actor import Actor
from backend.core.db import Database
from backend.models.members import MatchMethod, Member
from backend.models.planets import Planet
from backend.models.refunds import Refund, RefundStatus
from backend.money.refunds import corrections, review
from backend.money.refunds.evidence import StaleEvidence
from tests import factories
from tests.money.refunds.facts import ended_camp, enrolled
from tests.money.refunds.provider import actor_of


async def test_a_correction_and_a_review_at_once(shared_db: Database) -> None:
    """Whoever comes second sees the first: what is approved is what the list showed, and nothing waits for ever."""
    async with shared_db.transaction() as session:
        camp = await ended_camp(session)
        reviewer = actor_of(await factories.make_staff(session))
        planet = await session.get_one(Planet, camp.planet_id)
        people = []
        for number in range(12):
            person = await factories.make_planet_user(session, planet, name=f"学员{number}")
            member = await enrolled(
                session, camp, planet_user_id=person.user_id, planet_nickname=person.name, planet_number="99999",
                confidence=66, match_method=MatchMethod.PLANET_NICKNAME,
            )  # fmt: skip
            people.append((member, await factories.make_refund(session, member)))

    async def correct(member: Member) -> str:
        actor = Actor("member", str(member.payer_id), member.payer_id)
        try:
            async with shared_db.transaction() as session:
                await corrections.correct_planet(
                    session, member.id, planet_nickname="不存在", planet_number="5", actor=actor
                )
        except corrections.PlanetLocked:
            return "locked"
        return "corrected"

    async def approve(refund: Refund) -> str:
        try:
            async with shared_db.transaction() as session:
                await review.approve(session, refund.id, actor=reviewer, note=None)
        except StaleEvidence:
            return "stale"
        return "approved"

    async def both(number: int) -> tuple[str, str]:
        member, refund = people[number]
        # Each side is the first to come in half of the cases.
        if number % 2:
            word, decision = await asyncio.wait_for(asyncio.gather(correct(member), approve(refund)), 30)
        else:
            decision, word = await asyncio.wait_for(asyncio.gather(approve(refund), correct(member)), 30)
        return word, decision

    said = await asyncio.gather(*(both(number) for number in range(len(people))))

    async with shared_db.transaction() as session:
        for (member, refund), words in zip(people, said, strict=True):
            # A correction takes the match away, and with it the money: the reviewer has to look again.
            assert words in (("corrected", "stale"), ("locked", "approved"))
            now = await session.get_one(Member, member.id)
            row = (await session.scalars(select(Refund).where(Refund.id == refund.id))).one()
            if words == ("corrected", "stale"):
                assert (now.planet_number, now.confidence, now.entitled_fen) == ("5", 0, 0)
                assert (row.status, row.reviewed_at, row.confidence) == (RefundStatus.PENDING_REVIEW, None, None)
            else:
                assert (now.planet_number, now.confidence) == ("99999", 66)
                assert (row.status, row.confidence, row.match_method, row.amount_fen) == (
                    RefundStatus.APPROVED, 66, "planet_nickname", 9900,
                )  # fmt: skip
