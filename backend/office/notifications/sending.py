"""Sending one message through its channel: content, address, and whether there is an address."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from backend.gateways.errors import Rejected
from backend.models.camps import Camp
from backend.models.notifications import NoticeAudience, NoticeChannel, Notification
from backend.models.staff import Staff
from backend.office.notifications import repository, templates
from backend.office.notifications.configuring import chosen
from backend.office.notifications.scenes import SCENES, Merging
from backend.runtime import Runtime

# WeCom's name for all members of the company who can see the application.
_EVERYBODY = "@all"


class NotPossible(Exception):
    """There is no receiver or no channel. ``code`` is a key of ``rules.ERROR_TEXTS``. The message isn't retried."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message ready to be sent. ``slot`` names the receiver whose rate limit it counts against; None if unlimited.

    ``tail`` is appended to the text and kept when a long text is cut.
    """

    channel: NoticeChannel
    address: str = field(repr=False)
    text: str
    tail: str = ""
    slot: str | None = None
    template_id: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    url: str = ""
    message_id: str = ""


def robot_context(camp_id: uuid.UUID) -> str:
    """The encryption context of a camp's robot key."""
    return f"camp-robot:{camp_id}"


async def pack(runtime: Runtime, session: AsyncSession, rows: Sequence[Notification]) -> Parcel:
    """Build the parcel for ``rows``; several rows become one summary. Raises NotPossible."""
    first = rows[0]
    match first.channel:
        case NoticeChannel.WECOM_APP:
            return await _for_staff(runtime, session, rows)
        case NoticeChannel.WECOM_ROBOT:
            return await _for_robot(runtime, session, rows)
        case NoticeChannel.MP_TEMPLATE:
            return await _for_member(runtime, session, first)
        case NoticeChannel.INBOX:
            raise AssertionError("an inbox message is delivered by being written")


async def _for_staff(runtime: Runtime, session: AsyncSession, rows: Sequence[Notification]) -> Parcel:
    if not runtime.wecom.configured:
        raise NotPossible("channel_not_configured")
    row = rows[0]
    if row.staff_id is None:
        user = _by_default(runtime, rows)
    else:
        person = await session.get_one(Staff, row.staff_id)
        user = person.wecom_user_id or "" if person.active and person.deleted_at is None else ""
    if not user:
        raise NotPossible("no_recipient")
    link = _link(runtime, row)
    # WeCom drops equal texts within half an hour. The mark differs between messages, and stays the same for a retry.
    tail = "".join(f"\n{line}" for line in [*([f"查看：{link}"] if link else []), f"[{_mark(row)}]"])
    return Parcel(NoticeChannel.WECOM_APP, user, _text(rows), tail, slot=f"wecom:{user}"[:100])


def _by_default(runtime: Runtime, rows: Sequence[Notification]) -> str:
    """The receivers from the settings. Raises NotPossible.

    Messages that name members of a camp are never sent to the whole company.
    """
    users = runtime.settings.wecom.alert_user_ids
    first = rows[0]
    if not (SCENES[first.scene].notices[first.audience].names_members and any(row.camp_id for row in rows)):
        return users
    people = [user for user in users.split("|") if user.strip().lower() not in ("", _EVERYBODY)]
    if users and not people:
        raise NotPossible("not_for_everybody")
    return "|".join(people)


async def _for_robot(runtime: Runtime, session: AsyncSession, rows: Sequence[Notification]) -> Parcel:
    row = rows[0]
    if row.audience is NoticeAudience.GROUP:
        key = await _camp_robot(runtime, session, row.camp_id)
    elif not runtime.wecom.robot_configured:
        raise NotPossible("channel_not_configured")
    else:
        key = runtime.settings.wecom.robot_key.get_secret_value()
    slot = f"robot:{hashlib.sha256(key.encode()).hexdigest()[:32]}"
    return Parcel(NoticeChannel.WECOM_ROBOT, key, _text(rows), slot=slot)


async def _camp_robot(runtime: Runtime, session: AsyncSession, camp_id: uuid.UUID | None) -> str:
    camp = await session.get(Camp, camp_id) if camp_id is not None else None
    if camp is None or camp.sealed_robot_key is None:
        raise NotPossible("no_robot")
    try:
        return runtime.secrets.open(camp.sealed_robot_key, context=robot_context(camp.id))
    except ValueError:
        raise NotPossible("robot_unreadable") from None


async def _for_member(runtime: Runtime, session: AsyncSession, row: Notification) -> Parcel:
    if not runtime.wechat_mp.configured:
        raise NotPossible("channel_not_configured")
    openid = await repository.openid_of(session, row)
    if openid is None:
        raise NotPossible("no_openid")
    how = await chosen(session, SCENES[row.scene], row.audience)
    if not how.mp_template_id or not how.mp_fields:
        raise NotPossible("no_template")
    values = row.values or {}
    return Parcel(
        NoticeChannel.MP_TEMPLATE,
        openid,
        row.content,
        template_id=how.mp_template_id,
        fields={key: templates.render(text, values) for key, text in how.mp_fields.items()},
        url=_link(runtime, row),
        message_id=_mark(row, length=32),
    )


async def deliver(runtime: Runtime, parcel: Parcel) -> None:
    """Send a parcel. Raises GatewayError; its code is "60111" when WeCom doesn't know the user."""
    match parcel.channel:
        case NoticeChannel.WECOM_APP:
            unknown = await runtime.wecom.send_app_message(parcel.text, tail=parcel.tail, user_ids=parcel.address)
            if parcel.address.lower() in unknown:
                raise Rejected("wecom", "60111")
        case NoticeChannel.WECOM_ROBOT:
            await runtime.wecom.send_robot_text(parcel.text, key=SecretStr(parcel.address))
        case NoticeChannel.MP_TEMPLATE:
            await runtime.wechat_mp.send_template(
                parcel.address,
                template_id=parcel.template_id,
                fields=parcel.fields,
                url=parcel.url,
                message_id=parcel.message_id,
            )
        case NoticeChannel.INBOX:
            raise AssertionError("an inbox message is delivered by being written")


def _text(rows: Sequence[Notification]) -> str:
    first = rows[0]
    merging = SCENES[first.scene].notices[first.audience].merging
    if len(rows) > 1 and merging is not None:
        return summary(merging, rows)
    return f"{first.title}\n{first.content}"


def summary(merging: Merging, rows: Sequence[Notification]) -> str:
    """Several messages as one: their number, and the first lines of some."""
    lines = [templates.render(merging.title, {"count": str(len(rows))})]
    lines += [f"· {row.content.splitlines()[0]}" if row.content else "·" for row in rows[: merging.listed]]
    if len(rows) > merging.listed:
        lines.append(f"…… 共 {len(rows)} 条")
    return "\n".join(lines)


def _link(runtime: Runtime, row: Notification) -> str:
    link = SCENES[row.scene].notices[row.audience].link
    ids = {name: str(getattr(row, name)) for name in ("camp_id", "member_id", "payment_id") if getattr(row, name)}
    path = templates.render(link, ids)
    # The row lacks an id that the page needs, so the link would lead nowhere.
    return f"{runtime.settings.public_base_url}{path}" if path and templates.ABSENT not in path else ""


def _mark(row: Notification, *, length: int = 6) -> str:
    """The same for all tries of one sending, but new after each resend."""
    mark = row.id.hex[-length:]
    return mark if not row.resends else f"{mark}-{row.resends}"
