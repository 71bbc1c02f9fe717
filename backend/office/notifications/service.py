"""Creating messages. A row is the send order; a wake-up job and the sweep deliver it (``flows``).

Sending can't block or break the operation it reports, since only rows are written, in the same transaction.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.core.actor import Actor
from backend.core.ids import new_id
from backend.core.queue import enqueue, enqueue_at
from backend.core.text import CLEARED_MESSAGE
from backend.models.camps import Camp
from backend.models.history import move
from backend.models.members import Member
from backend.models.notifications import NoticeAudience, NoticeChannel, NoticeStatus, Notification
from backend.models.payments import Payment
from backend.office.audit import service as audit
from backend.office.notifications import repository, templates
from backend.office.notifications.configuring import Chosen, chosen
from backend.office.notifications.scenes import MANAGERS, Notice, Scene

log = structlog.get_logger(__name__)

# Shown for messages without a receiver of their own. They go to the receivers in the settings (see ``sending``).
DEFAULT_STAFF, STAFF_GROUP = "默认接收人", "工作群"


@dataclass(frozen=True, slots=True)
class To:
    """Whom a message is for. ``ids`` are the columns that identify the receiver."""

    audience: NoticeAudience
    name: str
    ids: Mapping[str, uuid.UUID | None]

    @classmethod
    def staff(cls, camp_id: uuid.UUID | None = None) -> "To":
        """The receivers of the scene. Coaches and volunteers are included only with a camp, and only its own."""
        return cls(NoticeAudience.STAFF, "", {"camp_id": camp_id})

    @classmethod
    def member(cls, member: Member) -> "To":
        ids = {"camp_id": member.camp_id, "member_id": member.id}
        ids |= {"payer_id": member.payer_id, "payment_id": member.payment_id}
        return cls(NoticeAudience.MEMBER, member.planet_nickname, ids)

    @classmethod
    def payer(cls, payment: Payment) -> "To":
        """A person who paid but has no place."""
        ids = {"camp_id": payment.camp_id, "payer_id": payment.payer_id, "payment_id": payment.id}
        return cls(NoticeAudience.MEMBER, payment.planet_nickname, ids)

    @classmethod
    def group(cls, camp: Camp) -> "To":
        """The WeCom group of a camp. Everybody in the group reads these messages."""
        return cls(NoticeAudience.GROUP, f"{camp.name}群", {"camp_id": camp.id})


@dataclass(frozen=True, slots=True)
class _Receiver:
    channel: NoticeChannel
    name: str
    staff_id: uuid.UUID | None = None


async def notify(session: AsyncSession, scene: Scene, to: To, *, about: str, values: Mapping[str, object]) -> None:
    """Create the messages of a scene.

    ``about`` names the object: a scene is sent once per object, receiver and channel. If the scene has a pause, it
    applies to all messages of the scene whose ``about`` has the same text before the first colon.

    Doesn't raise for missing values: they are rendered as a dash, and the mismatch is logged.
    """
    notice, how = scene.notices[to.audience], await chosen(session, scene, to.audience)
    if not how.enabled or not how.channels:
        return
    texts = {name: str(values[name]) for name in notice.values if name in values}
    if texts.keys() != set(notice.values) or texts.keys() != values.keys():
        log.error("notice.values_differ", scene=scene.code, given=sorted(values), wanted=sorted(notice.values))
    if await _told_lately(session, scene, about):
        return
    rows = [_row(scene, notice, how, to, receiver, texts, about) for receiver in await _receivers(session, how, to)]
    asked = await _write(session, rows)
    _wake(session, notice, asked)


async def _told_lately(session: AsyncSession, scene: Scene, about: str) -> bool:
    if scene.pause is None:
        return False
    thing = about.partition(":")[0]
    return await repository.asked_since(session, scene.code, f"{scene.code}:{thing}:", since=clock.now() - scene.pause)


async def _receivers(session: AsyncSession, how: Chosen, to: To) -> list[_Receiver]:
    found = []
    for channel in how.channels:
        if channel is NoticeChannel.WECOM_APP:
            people = await _staff(session, how, to)
            found += [_Receiver(channel, name, id_) for id_, name in people] or [_Receiver(channel, DEFAULT_STAFF)]
        elif channel is NoticeChannel.WECOM_ROBOT and to.audience is NoticeAudience.STAFF:
            found.append(_Receiver(channel, STAFF_GROUP))
        else:
            found.append(_Receiver(channel, to.name))
    return found


async def _staff(session: AsyncSession, how: Chosen, to: To) -> Sequence[tuple[uuid.UUID, str]]:
    """The receivers of the scene; managers if there are none, since an alarm needs a receiver."""
    camp_id = to.ids["camp_id"]
    named = await repository.staff_at_wecom(session, roles=how.roles, ids=how.staff_ids, camp_id=camp_id)
    return named or await repository.staff_at_wecom(session, roles=MANAGERS, ids=(), camp_id=camp_id)


def _row(
    scene: Scene, notice: Notice, how: Chosen, to: To, receiver: _Receiver, texts: Mapping[str, str], about: str
) -> dict[str, Any]:
    now = clock.now()
    # Writing an inbox message delivers it. It alerts no phone, so send hours don't apply.
    delivered = receiver.channel is NoticeChannel.INBOX
    hold = notice.merging.hold_seconds if notice.merging else 0
    return {
        "id": new_id(),
        "created_at": now,
        "scene": scene.code,
        "audience": to.audience,
        "channel": receiver.channel,
        "dedupe_key": ":".join([scene.code, about, to.audience, receiver.channel, str(receiver.staff_id or "")]),
        "camp_id": None, "member_id": None, "payer_id": None, "payment_id": None,
        **to.ids,
        "staff_id": receiver.staff_id,
        "recipient": receiver.name[:100],
        "title": templates.render(how.title, texts)[:100],
        "content": templates.render(how.content, texts),
        "values": dict(texts) if receiver.channel is NoticeChannel.MP_TEMPLATE else None,
        "status": NoticeStatus.SENT if delivered else NoticeStatus.PENDING,
        "attempts": 0,
        "resends": 0,
        "next_attempt_at": None if delivered else now + dt.timedelta(seconds=hold),
        "sent_at": now if delivered else None,
    }  # fmt: skip


async def _write(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> bool:
    """Insert rows and ignore duplicates. Returns whether any new row must be delivered."""
    if not rows:
        return False
    statement = insert(Notification).values(rows).on_conflict_do_nothing(index_elements=["dedupe_key"])
    new = (await session.scalars(statement.returning(Notification.channel))).all()
    return any(channel is not NoticeChannel.INBOX for channel in new)


def _wake(session: AsyncSession, notice: Notice, asked: bool) -> None:
    if not asked:
        return
    if notice.merging:
        enqueue_at(session, "notifications.deliver", clock.now() + dt.timedelta(seconds=notice.merging.hold_seconds))
    else:
        enqueue(session, "notifications.deliver")


async def resend(session: AsyncSession, actor: Actor, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Send messages again on request (重发), with their original texts. Returns a code by id.

    ``ok``; ``notice_waiting``: it is about to be sent anyway; ``notice_in_inbox``: it is already in the member's app;
    ``notice_cleared``: retention has blanked its text.
    """
    codes = {}
    for row in await repository.locked(session, ids):
        if row.channel is NoticeChannel.INBOX:
            codes[row.id] = "notice_in_inbox"
        elif row.content == CLEARED_MESSAGE:
            codes[row.id] = "notice_cleared"
        elif row.status is NoticeStatus.PENDING:
            codes[row.id] = "notice_waiting"
        else:
            codes[row.id] = "ok"
            _again(session, actor, row)
    if "ok" in codes.values():
        enqueue(session, "notifications.deliver")
    return codes


def _again(session: AsyncSession, actor: Actor, row: Notification) -> None:
    was = row.status
    move(session, row, NoticeStatus.PENDING, event="resend", actor=actor)
    row.attempts, row.resends, row.next_attempt_at = 0, row.resends + 1, clock.now()
    row.sent_at = row.error = row.merged_into = None
    audit.record(
        session, actor, "notice.resend", target_type="notification", target_id=row.id,
        target_name=f"{row.title}（{row.recipient}）"[:100], camp_id=row.camp_id,
        before={"status": was.value}, after={"status": row.status.value, "channel": row.channel.value},
    )  # fmt: skip
