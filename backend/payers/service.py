"""Persons in front of the member's app: an openid, or a guest session."""

import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.core.actor import Actor
from backend.core.errors import Unauthenticated
from backend.core.ids import new_id
from backend.core.security import issue_token, read_token
from backend.models.payers import Payer


@dataclass(frozen=True, slots=True)
class CurrentPayer:
    """Who is at the phone. What they own is found by ``id`` or, once known, by ``openid``."""

    id: uuid.UUID
    openid: str | None
    actor: Actor


async def payer_for_openid(session: AsyncSession, openid: str) -> Payer:
    """The person behind an openid, made on first sight; safe against two first sights at once."""
    await session.execute(
        insert(Payer)
        .values(id=new_id(), created_at=clock.now(), openid=openid)
        .on_conflict_do_nothing(index_elements=["openid"])
    )
    return (await session.scalars(select(Payer).where(Payer.openid == openid))).one()


def new_guest(session: AsyncSession) -> Payer:
    """A person outside WeChat, who is who holds the token."""
    payer = Payer(id=new_id())
    session.add(payer)
    return payer


def token_for(payer: Payer, *, secret: str, days: int) -> str:
    return issue_token(secret, audience="h5", subject=payer.id, session=payer.id, seconds=days * 86_400)


async def authenticate(session: AsyncSession, *, token: str, secret: str, actor: Actor) -> CurrentPayer:
    """Who holds this token. Raises Unauthenticated."""
    claims = read_token(secret, token, audience="h5")
    payer = await session.get(Payer, claims[0]) if claims else None
    if payer is None:
        raise Unauthenticated("登录已失效，请重新进入")
    named = Actor("member", str(payer.id), payer.id, actor.ip, actor.user_agent, actor.request_id)
    return CurrentPayer(payer.id, payer.openid, named)
