"""Staff accounts (用户管理)."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from backend.api.answers import Answer, Id, Instant, Model, Rows, answer
from backend.api.deps import Allowed, CurrentStaff, PageDep, SessionDep
from backend.community.camps import repository as camps
from backend.community.camps import staffing
from backend.core import clock
from backend.models.camps import CampStaffKind, CampStatus
from backend.models.staff import Staff, StaffRole
from backend.office.staff import repository, service, throttle
from backend.office.staff.repository import StaffFilter
from backend.office.staff.rules import Permission

router = APIRouter(prefix="/users", tags=["用户"])
Writer = Depends(Allowed(Permission.USER_WRITE))

DisplayName = Annotated[str, Field(min_length=1, max_length=50)]
CampIds = Annotated[list[Id], Field(max_length=200)]
# A valid WeCom userid, or empty.
WeComUserId = Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9_.@-]{0,63})?$")]


class UserIn(Model):
    """The password must be changed at the first log-in. ``camp_ids``: where a coach or volunteer is listed."""

    username: Annotated[str, Field(pattern=r"^[\w.@-]{2,50}$")]
    display_name: DisplayName
    role: StaffRole
    password: Annotated[str, Field(min_length=1, max_length=128)]
    wecom_user_id: WeComUserId = ""
    camp_ids: CampIds = Field(default_factory=list)


class UserChange(Model):
    """What is left out, or null, stays as it is; an empty ``wecom_user_id`` takes the old one away.

    ``camp_ids`` are all camps that are to list the person, but for archived ones. Another role without them takes the
    person out of the camps that listed them in the old one.
    """

    display_name: DisplayName | None = None
    role: StaffRole | None = None
    active: bool | None = None
    wecom_user_id: WeComUserId | None = None
    camp_ids: CampIds | None = None


class UserCampOut(Model):
    """``only_coach``: the camp is published and has no other active coach."""

    id: Id
    name: str
    status: CampStatus
    kind: CampStaffKind
    only_coach: bool


class UserOut(Model):
    """``camps`` list the person and aren't archived. ``locked_until``: failed log-ins lock the name."""

    id: Id
    username: str
    display_name: str
    role: StaffRole
    active: bool
    must_change_password: bool
    last_login_at: Instant | None
    created_at: Instant
    wecom_user_id: str | None
    locked_until: Instant | None
    camps: list[UserCampOut]


class NewPasswordOut(Model):
    """Shown once; nobody can read it again."""

    password: str


async def _outs(session: SessionDep, people: Sequence[Staff]) -> list[UserOut]:
    ids = [person.id for person in people]
    locked = await throttle.locked_until(session, [person.username for person in people])
    listed, alone = await camps.camps_of_staff(session, ids), await camps.only_coach_in(session, ids)
    return [
        UserOut(
            id=person.id,
            username=person.username,
            display_name=person.display_name,
            role=person.role,
            active=person.active,
            must_change_password=person.must_change_password,
            last_login_at=person.last_login_at,
            created_at=person.created_at,
            wecom_user_id=person.wecom_user_id,
            locked_until=locked.get(person.username),
            camps=[
                UserCampOut(
                    id=camp.id,
                    name=camp.name,
                    status=camp.status,
                    kind=kind,
                    only_coach=kind is CampStaffKind.COACH and (person.id, camp.id) in alone,
                )
                for kind, camp in listed[person.id]
            ],
        )
        for person in people
    ]


async def _out(session: SessionDep, person: Staff) -> Answer[UserOut]:
    return answer((await _outs(session, [person]))[0])


@router.get("", dependencies=[Depends(Allowed(Permission.USER_VIEW))])
async def list_users(
    session: SessionDep,
    page: PageDep,
    role: StaffRole | None = None,
    active: bool | None = None,
    locked: bool = False,
    q: Annotated[str | None, Query(max_length=50)] = None,
) -> Answer[Rows[UserOut]]:
    """Managers see the list too: they pick coaches and volunteers from it. ``locked``: only who can't log in now."""
    wanted = StaffFilter(role, active, clock.now() if locked else None, q)
    found = await repository.page(session, page, wanted)
    return answer(Rows.of(found.with_items(await _outs(session, found.items)), lambda user: user))


@router.post("", dependencies=[Writer])
async def create_user(body: UserIn, session: SessionDep, viewer: CurrentStaff) -> Answer[UserOut]:
    person = await service.create(
        session,
        viewer.actor,
        username=body.username,
        display_name=body.display_name,
        role=body.role,
        password=body.password,
        wecom_user_id=body.wecom_user_id or None,
    )
    await staffing.relist(session, viewer.actor, person, role=person.role, camp_ids=frozenset(body.camp_ids))
    return await _out(session, person)


@router.put("/{user_id}", dependencies=[Writer])
async def update_user(user_id: Id, body: UserChange, session: SessionDep, viewer: CurrentStaff) -> Answer[UserOut]:
    """Another role, or being switched off, ends the person's log-ins at once."""
    person = await service.get(session, user_id)
    camp_ids = frozenset(body.camp_ids) if body.camp_ids is not None else None
    if body.role is not None or camp_ids is not None:
        await staffing.relist(session, viewer.actor, person, role=body.role or person.role, camp_ids=camp_ids)
    person = await service.update(
        session,
        viewer,
        user_id,
        display_name=body.display_name,
        role=body.role,
        active=body.active,
        wecom_user_id=body.wecom_user_id,
    )
    return await _out(session, person)


@router.delete("/{user_id}", dependencies=[Writer])
async def delete_user(user_id: Id, session: SessionDep, viewer: CurrentStaff) -> Answer[None]:
    """The account is gone for everybody but the log; camps that aren't archived don't list it any more."""
    person = await service.get(session, user_id)
    await staffing.relist(session, viewer.actor, person, role=person.role, camp_ids=frozenset())
    await service.delete(session, viewer, user_id)
    return answer(None)


@router.post("/{user_id}/reset-password", dependencies=[Writer])
async def reset_password(user_id: Id, session: SessionDep, viewer: CurrentStaff) -> Answer[NewPasswordOut]:
    """A random password, to be changed at the next log-in; the name isn't locked any more."""
    return answer(NewPasswordOut(password=await service.reset_password(session, viewer, user_id)))


@router.post("/{user_id}/unlock", dependencies=[Writer])
async def unlock_user(user_id: Id, session: SessionDep, viewer: CurrentStaff) -> Answer[UserOut]:
    """Failed log-ins are forgotten."""
    return await _out(session, await service.unlock(session, viewer, user_id))
