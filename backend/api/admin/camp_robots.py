"""The robot of a camp's WeCom group (群机器人), which tells members good news."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from backend.api.answers import Answer, Id, Model, answer
from backend.api.deps import Allowed, CurrentStaff, RuntimeDep, SessionDep
from backend.community.camps import robots
from backend.community.camps.service import get_camp
from backend.models.camps import Camp
from backend.office.staff.rules import Permission

router = APIRouter(
    prefix="/camps/{camp_id}/robot", tags=["训练营"], dependencies=[Depends(Allowed(Permission.CAMP_WRITE))]
)


class RobotIn(Model):
    """The robot's key, or its whole address as WeCom shows it."""

    key: Annotated[str, Field(max_length=300)]


class RobotOut(Model):
    """``hint``: the end of the key; None without a robot. The key itself is never shown."""

    hint: str | None

    @classmethod
    def of(cls, camp: Camp) -> "RobotOut":
        return cls(hint=camp.robot_key_hint)


@router.get("")
async def read_robot(camp_id: Id, session: SessionDep) -> Answer[RobotOut]:
    return answer(RobotOut.of(await get_camp(session, camp_id)))


@router.put("")
async def set_robot(
    camp_id: Id, body: RobotIn, runtime: RuntimeDep, session: SessionDep, viewer: CurrentStaff
) -> Answer[RobotOut]:
    return answer(RobotOut.of(await robots.set_robot(session, viewer.actor, runtime.secrets, camp_id, body.key)))


@router.delete("")
async def remove_robot(camp_id: Id, session: SessionDep, viewer: CurrentStaff) -> Answer[RobotOut]:
    return answer(RobotOut.of(await robots.remove_robot(session, viewer.actor, camp_id)))
