"""通知记录: every message with what became of it, and sending one again."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from backend.api.answers import Answer, Day, Id, Instant, LongRows, Model, answer
from backend.api.batches import BatchOut, Ids, batch_out, parse_ids
from backend.api.deps import Allowed, CurrentStaff, PageDep, SessionDep
from backend.models.notifications import NoticeAudience, NoticeChannel, NoticeStatus, Notification
from backend.office.notifications import repository, rules, service
from backend.office.notifications.repository import Filter
from backend.office.notifications.scenes import SCENES
from backend.office.staff.rules import Permission

router = APIRouter(prefix="/notifications", tags=["通知记录"], dependencies=[Depends(Allowed(Permission.NOTICE))])

Word = Annotated[str | None, Query(max_length=50)]


class NoticeErrorOut(Model):
    """``message`` is Chinese."""

    code: str
    message: str


class NotificationOut(Model):
    """``attempts``: tries since it was last sent by a person; ``merged``: it went out in a summary with others."""

    id: Id
    created_at: Instant
    scene: str
    scene_title: str
    audience: NoticeAudience
    channel: NoticeChannel
    recipient: str
    camp_id: Id | None
    camp_name: str | None
    member_id: Id | None
    title: str
    content: str
    status: NoticeStatus
    attempts: int
    resends: int
    next_attempt_at: Instant | None
    sent_at: Instant | None
    error: NoticeErrorOut | None
    merged: bool


class UnsentOut(Model):
    """How many of the wanted messages are not sent, by state."""

    pending: int
    failed: int
    skipped: int


class SceneNameOut(Model):
    code: str
    title: str


class ResendIn(Model):
    ids: Ids


def _wanted(
    scene: Word = None,
    audience: NoticeAudience | None = None,
    channel: NoticeChannel | None = None,
    status: NoticeStatus | None = None,
    camp_id: Id | None = None,
    first_day: Annotated[Day | None, Query(alias="from")] = None,
    last_day: Annotated[Day | None, Query(alias="to")] = None,
    q: Word = None,
) -> Filter:
    """``from`` and ``to`` are whole days, both included; ``q`` looks at the receiver's name."""
    return Filter(scene, audience, channel, status, camp_id, first_day, last_day, q)


Wanted = Annotated[Filter, Depends(_wanted)]


@router.get("")
async def list_notifications(wanted: Wanted, session: SessionDep, page: PageDep) -> Answer[LongRows[NotificationOut]]:
    """Newest first."""
    return answer(LongRows.of(await repository.page(session, page, wanted), _out))


@router.get("/unsent")
async def count_unsent(wanted: Wanted, session: SessionDep) -> Answer[UnsentOut]:
    """With the list's own total these are all states; sent ones are without end and counted there."""
    counts = await repository.unsent(session, wanted)
    return answer(UnsentOut(**{name: counts.get(NoticeStatus(name), 0) for name in UnsentOut.model_fields}))


@router.get("/scenes")
async def list_scene_names() -> Answer[list[SceneNameOut]]:
    """What a message may be about, to choose from."""
    return answer([SceneNameOut(code=scene.code, title=scene.title) for scene in SCENES.values()])


@router.post("/resend")
async def resend(body: ResendIn, session: SessionDep, viewer: CurrentStaff) -> Answer[BatchOut]:
    """Send again, in the words of then. Members still get it inside the send hours only."""
    codes = await service.resend(session, viewer.actor, parse_ids(body.ids))
    return answer(batch_out(body.ids, codes, _TEXTS))


_TEXTS = {
    "notice_waiting": "正在等待发送，无需重发",
    "notice_cleared": "内容已按保留期限清除，不能重发",
    "notice_in_inbox": "站内消息已在会员的消息列表中，无需重发",
}


def _out(found: tuple[Notification, str | None]) -> NotificationOut:
    row, camp_name = found
    scene = SCENES.get(row.scene)
    columns = {name: getattr(row, name) for name in NotificationOut.model_fields if hasattr(row, name)}
    return NotificationOut(
        **columns
        | {"error": NoticeErrorOut(code=row.error, message=rules.error_text(row.error)) if row.error else None},
        scene_title=scene.title if scene else row.scene,
        camp_name=camp_name,
        merged=row.merged_into is not None,
    )
