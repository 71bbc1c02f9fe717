"""消息: the person's inbox."""

from fastapi import APIRouter

from backend.api.answers import Answer, Id, Instant, Model, Rows, answer
from backend.api.deps import CurrentPayer, PageDep, SessionDep
from backend.core import clock
from backend.models.notifications import Notification
from backend.office.notifications import repository

router = APIRouter(prefix="/messages", tags=["我的"])


class MessageOut(Model):
    id: Id
    scene: str
    title: str
    content: str
    camp_id: Id | None
    member_id: Id | None
    created_at: Instant
    read: bool


class UnreadOut(Model):
    unread: int


@router.get("")
async def list_messages(payer: CurrentPayer, session: SessionDep, page: PageDep) -> Answer[Rows[MessageOut]]:
    """Newest first. Looking at the list reads nothing: the page says when it was seen."""
    found = await repository.inbox(session, page, payer_id=payer.id, openid=payer.openid)
    return answer(Rows.of(found, _message))


@router.post("/read")
async def read_messages(payer: CurrentPayer, session: SessionDep) -> Answer[UnreadOut]:
    """Mark all of the person's messages as read."""
    await repository.mark_read(session, payer_id=payer.id, openid=payer.openid, at=clock.now())
    return answer(UnreadOut(unread=0))


def _message(message: Notification) -> MessageOut:
    return MessageOut(
        id=message.id,
        scene=message.scene,
        title=message.title,
        content=message.content,
        camp_id=message.camp_id,
        member_id=message.member_id,
        created_at=message.created_at,
        read=message.read_at is not None,
    )
