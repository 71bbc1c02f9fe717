"""What routes ask for."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.actor import Actor
from backend.core.errors import Unauthenticated
from backend.core.pagination import PageRequest
from backend.office.payers import service as payers
from backend.office.staff import service as staff
from backend.office.staff.rules import Permission
from backend.office.staff.service import PasswordChangeRequired, Viewer
from backend.runtime import Runtime, RuntimeHolder

from .answers import request_id

_bearer = HTTPBearer(auto_error=False)


def get_live(request: Request) -> RuntimeHolder:
    live: RuntimeHolder = request.app.state.live
    return live


LiveDep = Annotated[RuntimeHolder, Depends(get_live)]


async def get_runtime(live: LiveDep) -> AsyncIterator[Runtime]:
    """One and the same from the first line of the request to the last byte of its answer."""
    async with live.lease() as runtime:
        yield runtime


RuntimeDep = Annotated[Runtime, Depends(get_runtime)]


async def get_session(runtime: RuntimeDep) -> AsyncIterator[AsyncSession]:
    async with runtime.db.transaction() as session:
        yield session


# scope="function" commits before the response is sent, so a failed commit never returns 200.
SessionDep = Annotated[AsyncSession, Depends(get_session, scope="function")]


def get_actor(request: Request) -> Actor:
    """A caller nobody knows yet, and where the request comes from."""
    agent = request.headers.get("user-agent")
    return Actor(
        kind="member",
        name="anonymous",
        ip=request.state.client_ip,
        user_agent=agent[:300] if agent else None,
        request_id=request_id(),
    )


ActorDep = Annotated[Actor, Depends(get_actor)]
BearerDep = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def signed_in_staff(runtime: RuntimeDep, actor: ActorDep, bearer: BearerDep) -> Viewer:
    """The member of staff whose token came along, in a short transaction of its own."""
    if bearer is None:
        raise Unauthenticated
    secret = runtime.settings.secret_key.get_secret_value()
    async with runtime.db.transaction() as session:
        return await staff.authenticate(session, token=bearer.credentials, secret=secret, actor=actor)


# Also admits staff who must change their password. Use only for log-out, "who am I" and the password change.
SignedInStaff = Annotated[Viewer, Depends(signed_in_staff)]


async def current_staff(viewer: SignedInStaff) -> Viewer:
    if viewer.staff.must_change_password:
        raise PasswordChangeRequired
    return viewer


CurrentStaff = Annotated[Viewer, Depends(current_staff)]


class Allowed:
    """A guard: ``Depends(Allowed(Permission.CAMP_WRITE))`` on a route or router."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, viewer: CurrentStaff) -> None:
        viewer.require(self.permission)


async def current_payer(runtime: RuntimeDep, actor: ActorDep, bearer: BearerDep) -> payers.CurrentPayer:
    """The person whose token came along."""
    if bearer is None:
        raise Unauthenticated
    secret = runtime.settings.secret_key.get_secret_value()
    async with runtime.db.transaction() as session:
        return await payers.authenticate(session, token=bearer.credentials, secret=secret, actor=actor)


CurrentPayer = Annotated[payers.CurrentPayer, Depends(current_payer)]


def get_page(
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1, page_size: Annotated[int, Query(ge=1, le=200)] = 20
) -> PageRequest:
    return PageRequest(page, page_size)


PageDep = Annotated[PageRequest, Depends(get_page)]
