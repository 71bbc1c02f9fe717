"""Log-in of staff."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from backend.api.answers import Answer, Id, Model, answer
from backend.api.deps import ActorDep, RuntimeDep, SessionDep, SignedInStaff
from backend.api.guard import Sensitive
from backend.models.staff import Staff, StaffRole
from backend.office.staff import flows, service
from backend.office.staff.rules import PERMISSIONS, Permission

router = APIRouter(prefix="/auth", tags=["登录"])


class LoginIn(Model):
    username: Annotated[str, Field(min_length=1, max_length=50)]
    password: Annotated[str, Field(min_length=1, max_length=128)]


class StaffOut(Model):
    id: Id
    username: str
    display_name: str
    role: StaffRole
    permissions: list[Permission]
    must_change_password: bool


class LoginOut(Model):
    access_token: str
    token_type: str = "bearer"  # noqa: S105 - the OAuth name of the scheme
    expires_in: int
    user: StaffOut


class PasswordIn(Model):
    old_password: Annotated[str, Field(min_length=1, max_length=128)]
    new_password: Annotated[str, Field(min_length=1, max_length=128)]


def staff_out(staff: Staff) -> StaffOut:
    return StaffOut(
        id=staff.id,
        username=staff.username,
        display_name=staff.display_name,
        role=staff.role,
        permissions=sorted(PERMISSIONS[staff.role]),
        must_change_password=staff.must_change_password,
    )


@router.post("/login", dependencies=[Sensitive])
async def log_in(body: LoginIn, runtime: RuntimeDep, actor: ActorDep) -> Answer[LoginOut]:
    """Failed tries lock the name and the address for a time, known or not: 429 ``login_locked`` with Retry-After."""
    token, staff = await flows.log_in(runtime, username=body.username, password=body.password, actor=actor)
    seconds = runtime.settings.admin_token_hours * 3600
    return answer(LoginOut(access_token=token, expires_in=seconds, user=staff_out(staff)))


@router.get("/me")
async def me(viewer: SignedInStaff) -> Answer[StaffOut]:
    return answer(staff_out(viewer.staff))


@router.post("/logout")
async def log_out(viewer: SignedInStaff, session: SessionDep) -> Answer[None]:
    await service.log_out(session, viewer)
    return answer(None)


@router.post("/password", dependencies=[Sensitive])
async def change_password(body: PasswordIn, viewer: SignedInStaff, runtime: RuntimeDep) -> Answer[None]:
    """Ends all sessions of the person; log in again with the new password. Wrong old ones count as failed log-ins."""
    await flows.change_password(runtime, viewer, old=body.old_password, new=body.new_password)
    return answer(None)
