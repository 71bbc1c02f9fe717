"""Staff accounts (用户管理)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from backend.api.answers import Answer, Id, Instant, Model, Rows, answer
from backend.api.deps import Allowed, CurrentStaff, PageDep, SessionDep
from backend.models.staff import StaffRole
from backend.staff import repository, service
from backend.staff.rules import Permission

router = APIRouter(prefix="/users", tags=["用户"])
Writer = Depends(Allowed(Permission.USER_WRITE))

DisplayName = Annotated[str, Field(min_length=1, max_length=50)]
# What WeCom takes for a userid, or nothing at all.
WeComUserId = Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9_.@-]{0,63})?$")]


class UserIn(Model):
    """The password must be changed at the first log-in."""

    username: Annotated[str, Field(pattern=r"^[\w.@-]{2,50}$")]
    display_name: DisplayName
    role: StaffRole
    password: Annotated[str, Field(min_length=1, max_length=128)]
    wecom_user_id: WeComUserId = ""


class UserChange(Model):
    """What is left out, or null, stays as it is; an empty ``wecom_user_id`` takes the old one away."""

    display_name: DisplayName | None = None
    role: StaffRole | None = None
    active: bool | None = None
    wecom_user_id: WeComUserId | None = None


class UserOut(Model):
    id: Id
    username: str
    display_name: str
    role: StaffRole
    active: bool
    must_change_password: bool
    last_login_at: Instant | None
    created_at: Instant
    wecom_user_id: str | None


class NewPasswordOut(Model):
    """Shown once; nobody can read it again."""

    password: str


@router.get("", dependencies=[Depends(Allowed(Permission.USER_VIEW))])
async def list_users(
    session: SessionDep,
    page: PageDep,
    role: StaffRole | None = None,
    active: bool | None = None,
    q: Annotated[str | None, Query(max_length=50)] = None,
) -> Answer[Rows[UserOut]]:
    """Managers see the list too: they pick coaches and volunteers from it."""
    return answer(Rows.of(await repository.page(session, page, role=role, active=active, q=q), UserOut.model_validate))


@router.post("", dependencies=[Writer])
async def create_user(body: UserIn, session: SessionDep, viewer: CurrentStaff) -> Answer[UserOut]:
    staff = await service.create(
        session,
        viewer.actor,
        username=body.username,
        display_name=body.display_name,
        role=body.role,
        password=body.password,
        wecom_user_id=body.wecom_user_id or None,
    )
    return answer(UserOut.model_validate(staff))


@router.put("/{user_id}", dependencies=[Writer])
async def update_user(user_id: Id, body: UserChange, session: SessionDep, viewer: CurrentStaff) -> Answer[UserOut]:
    """Another role, or being switched off, ends the person's log-ins at once."""
    staff = await service.update(
        session,
        viewer,
        user_id,
        display_name=body.display_name,
        role=body.role,
        active=body.active,
        wecom_user_id=body.wecom_user_id,
    )
    return answer(UserOut.model_validate(staff))


@router.delete("/{user_id}", dependencies=[Writer])
async def delete_user(user_id: Id, session: SessionDep, viewer: CurrentStaff) -> Answer[None]:
    """The account is gone for everybody but the log."""
    await service.delete(session, viewer, user_id)
    return answer(None)


@router.post("/{user_id}/reset-password", dependencies=[Writer])
async def reset_password(user_id: Id, session: SessionDep, viewer: CurrentStaff) -> Answer[NewPasswordOut]:
    """A random password, to be changed at the next log-in."""
    return answer(NewPasswordOut(password=await service.reset_password(session, viewer, user_id)))
