"""Persons in front of the member's app: an openid, or a guest session."""

import datetime as dt
import hashlib
import secrets
import uuid
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.core.actor import Actor
from backend.core.errors import Conflict, Unauthenticated
from backend.core.ids import new_id
from backend.core.security import issue_token, read_token
from backend.models.payers import OAuthState, Payer

STATE_SECONDS = 300


class OAuthStateInvalid(Conflict):
    """Unknown, older than five minutes, used before, or begun in another browser: all look the same from outside."""

    code, message = "oauth_state_invalid", "授权已失效，请重新进入"


class OAuthCodeInvalid(Conflict):
    code, message = "oauth_code_invalid", "授权已失效，请重新进入"


class OAuthSnapshotUser(Conflict):
    """WeChat's preview mode makes up an openid that can't pay."""

    code, message = "oauth_snapshot_user", "请点击右上角“使用完整服务”后再试"


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


async def is_guest(session: AsyncSession, payer_id: uuid.UUID) -> bool:
    """Whether no WeChat account stands behind a log-in."""
    return await session.scalar(select(Payer.openid).where(Payer.id == payer_id)) is None


def new_browser_secret() -> str:
    """What a browser keeps in a cookie, so that a log-in begun elsewhere can't be finished in it."""
    return secrets.token_urlsafe(32)


def begin_oauth(session: AsyncSession, *, browser_secret: str, return_to: str) -> str:
    """The ``state`` for one log-in at WeChat, good once and for five minutes. Only hashes are kept."""
    state = secrets.token_hex(32)
    session.add(
        OAuthState(
            state_hash=_digest(state),
            browser_hash=_digest(browser_secret),
            return_to=return_to,
            expires_at=clock.now() + dt.timedelta(seconds=STATE_SECONDS),
        )
    )
    return state


async def finish_oauth(session: AsyncSession, *, state: str, browser_secret: str) -> str:
    """Use up a state and tell where its log-in leads back to. Raises OAuthStateInvalid.

    Another browser neither passes nor uses it up.
    """
    now = clock.now()
    return_to: str | None = await session.scalar(
        update(OAuthState)
        .where(
            OAuthState.state_hash == _digest(state),
            OAuthState.browser_hash == _digest(browser_secret),
            OAuthState.used_at.is_(None),
            OAuthState.expires_at > now,
        )
        .values(used_at=now)
        .returning(OAuthState.return_to)
    )
    if return_to is None:
        raise OAuthStateInvalid
    return return_to


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


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
