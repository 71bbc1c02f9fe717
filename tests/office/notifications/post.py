"""A house that tells people things: who works there, and what came of the messages."""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.db import Database
from backend.models.members import Member
from backend.models.notifications import Notification
from backend.models.staff import Staff, StaffRole
from backend.office.notifications import flows, scenes, service
from backend.office.notifications.scenes import VALUES, Scene
from backend.office.notifications.service import To
from backend.runtime import Runtime
from backend.sandbox.wecom import Message
from tests.conftest import Time
from tests.factories import make_camp, make_member, make_payer, make_staff
from tests.world import World


def samples(scene: Scene, to: To) -> dict[str, str]:
    """Values for everything the scene may say to this audience."""
    return {name: VALUES[name].sample for name in scene.notices[to.audience].values}


async def tell(
    db: Database, scene: Scene, to: To, about: str = "1", values: Mapping[str, object] | None = None
) -> None:
    async with db.transaction() as session:
        await service.notify(session, scene, to, about=about, values={**samples(scene, to), **(values or {})})


async def alert(db: Database, about: str = "1") -> None:
    """An alarm that is not merged with others."""
    await tell(db, scenes.SYNC_FAILED, To.staff(), about)


async def rows(db: Database) -> list[Notification]:
    async with db.transaction() as session:
        return list((await session.scalars(select(Notification).order_by(Notification.created_at))).all())


async def colleague(session: AsyncSession, user_id: str, role: StaffRole = StaffRole.MANAGER) -> Staff:
    return await make_staff(session, role, display_name=user_id, wecom_user_id=user_id)


async def follower(session: AsyncSession, world: World) -> Member:
    """A member who follows the service account."""
    user = world.sandbox.oauth.add_user()
    payer = await make_payer(session, openid=user.openid)
    return await make_member(session, await make_camp(session), payer, planet_nickname="清风徐来")


async def deliver_for(runtime: Runtime, time: Time, minutes: float) -> dict[str, int]:
    """Let the minutes pass, with a worker that looks every second message gap; what it counted in all."""
    total = {"sent": 0, "failed": 0, "skipped": 0, "later": 0}
    left = minutes * 60
    while True:
        for name, count in (await flows.deliver_due(runtime)).items():
            total[name] += count
        if left <= 0:
            return total
        step = min(5.0, left)
        time.advance(step)
        left -= step


def app_messages(world: World) -> list[Message]:
    return [message for message in world.sandbox.wecom.messages if message.channel == "app" and not message.duplicate]


def robot_messages(world: World) -> list[Message]:
    return [message for message in world.sandbox.wecom.messages if message.channel == "robot"]
