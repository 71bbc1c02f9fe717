"""Users of the member app: an openid, or a guest session."""

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
    """The state is unknown, older than five minutes, used, or from another browser. The response doesn't tell which."""

    code, message = "oauth_state_invalid", "授权已失效，请重新进入"


class OAuthCodeInvalid(Conflict):
    code, message = "oauth_code_invalid", "授权已失效，请重新进入"


class OAuthSnapshotUser(Conflict):
    """WeChat's preview mode returns a fake openid that can't pay."""

    code, message = "oauth_snapshot_user", "请点击右上角“使用完整服务”后再试"


@dataclass(frozen=True, slots=True)
class CurrentPayer:
    """The logged-in payer. What they own is found by ``id`` or, once known, by ``openid``."""

    id: uuid.UUID
    openid: str | None
    actor: Actor


async def payer_for_openid(session: AsyncSession, openid: str) -> Payer:
    """The payer of an openid, created if missing. Safe against concurrent first log-ins."""
    await session.execute(
        insert(Payer)
        .values(id=new_id(), created_at=clock.now(), openid=openid)
        .on_conflict_do_nothing(index_elements=["openid"])
    )
    return (await session.scalars(select(Payer).where(Payer.openid == openid))).one()


def new_guest(session: AsyncSession) -> Payer:
    """Create a payer outside of WeChat, identified only by the token."""
    payer = Payer(id=new_id())
    session.add(payer)
    return payer


async def is_guest(session: AsyncSession, payer_id: uuid.UUID) -> bool:
    """Whether a payer has no WeChat account."""
    return await session.scalar(select(Payer.openid).where(Payer.id == payer_id)) is None


def new_browser_secret() -> str:
    """A secret for the browser's cookie. It prevents finishing a log-in that began in another browser."""
    return secrets.token_urlsafe(32)


def begin_oauth(session: AsyncSession, *, browser_secret: str, return_to: str) -> str:
    """Create the ``state`` of one WeChat log-in, valid once and for five minutes. Only hashes are stored."""
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
    """Consume a state and return the page to go back to. Raises OAuthStateInvalid.

    A request from another browser fails and doesn't consume the state.
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
    """The payer who holds a token. Raises Unauthenticated."""
    claims = read_token(secret, token, audience="h5")
    payer = await session.get(Payer, claims[0]) if claims else None
    if payer is None:
        raise Unauthenticated("登录已失效，请重新进入")
    named = Actor("member", str(payer.id), payer.id, actor.ip, actor.user_agent, actor.request_id)
    return CurrentPayer(payer.id, payer.openid, named)
