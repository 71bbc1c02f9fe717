"""Scene settings that super administrators change: switches, channels, receivers, templates."""

import re
import uuid
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.actor import Actor
from backend.core.errors import Invalid, NotFound
from backend.models.notifications import NoticeAudience, NoticeChannel, NoticeScene
from backend.models.staff import Staff, StaffRole
from backend.office.audit import service as audit
from backend.office.notifications import templates
from backend.office.notifications.scenes import CHANNELS, SCENES, Notice, Scene

TITLE_MAX, CONTENT_MAX = 60, 600
_MP_FIELDS_MAX, _MP_FIELD_LENGTH = 10, 200
_MP_KEY = re.compile(r"[a-z][a-z_]{0,20}\d{0,3}")
_LOADED = "notice_scenes"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The current settings of a scene for one audience.

    ``roles``: all staff with the role; coaches and volunteers only of the camp. ``staff_ids``: additional receivers.
    ``mp_fields``: field of the service account's template → text with placeholders.
    """

    enabled: bool
    channels: tuple[NoticeChannel, ...]
    roles: tuple[StaffRole, ...]
    staff_ids: tuple[uuid.UUID, ...]
    title: str
    content: str
    mp_template_id: str = ""
    mp_fields: Mapping[str, str] | None = None

    @classmethod
    def default(cls, notice: Notice) -> "Chosen":
        return cls(notice.enabled, notice.channels, notice.roles, (), notice.title, notice.content)

    @classmethod
    def of(cls, row: NoticeScene) -> "Chosen":
        return cls(
            row.enabled,
            tuple(NoticeChannel(name) for name in row.channels),
            tuple(StaffRole(name) for name in row.roles),
            tuple(uuid.UUID(text) for text in row.staff_ids),
            row.title,
            row.content,
            row.mp_template_id,
            row.mp_fields,
        )

    def columns(self) -> dict[str, object]:
        """The column values. The audit log compares the same values."""
        texts = {"roles": [str(role) for role in self.roles], "staff_ids": [str(id_) for id_ in self.staff_ids]}
        return asdict(self) | texts | {"channels": list(self.channels), "mp_fields": dict(self.mp_fields or {})}


def notice_of(scene: str, audience: NoticeAudience) -> tuple[Scene, Notice]:
    """The scene and its notice. Raises NotFound for an unknown scene or an audience that it doesn't have."""
    found = SCENES.get(scene)
    if found is None or audience not in found.notices:
        raise NotFound("没有这个通知场景")
    return found, found.notices[audience]


async def edited(session: AsyncSession) -> dict[tuple[str, NoticeAudience], Chosen]:
    """All saved changes. Cached per transaction, so a job that notifies a thousand members loads them once."""
    loaded: dict[tuple[str, NoticeAudience], Chosen] | None = session.info.get(_LOADED)
    if loaded is None:
        rows = (await session.scalars(select(NoticeScene))).all()
        loaded = session.info[_LOADED] = {(row.scene, row.audience): Chosen.of(row) for row in rows}
    return loaded


async def chosen(session: AsyncSession, scene: Scene, audience: NoticeAudience) -> Chosen:
    found = (await edited(session)).get((scene.code, audience))
    return found or Chosen.default(scene.notices[audience])


async def save(session: AsyncSession, actor: Actor, scene: str, audience: NoticeAudience, wanted: Chosen) -> Chosen:
    """Save the settings of a scene for one audience. Raises NotFound, and Invalid with every wrong field."""
    found, notice = notice_of(scene, audience)
    # Reject channels of another audience and fields of a channel that is off, instead of dropping them silently.
    wanted = replace(wanted, title=wanted.title.strip(), content=wanted.content.strip())
    problems = _problems(notice, audience, wanted) | await _receiver_problems(session, audience, wanted)
    if problems:
        raise Invalid(problems)
    before = await chosen(session, found, audience)
    row = await session.get(NoticeScene, (scene, audience), with_for_update=True)
    if row is None:
        row = NoticeScene(scene=scene, audience=audience)
        session.add(row)
    for name, value in wanted.columns().items():
        setattr(row, name, value)
    row.updated_by = actor.id
    await session.flush()
    _changed(session, actor, found, audience, before, wanted)
    return wanted


async def reset(session: AsyncSession, actor: Actor, scene: str, audience: NoticeAudience) -> Chosen:
    """Restore the default texts and receivers (恢复默认). Raises NotFound."""
    found, notice = notice_of(scene, audience)
    default = Chosen.default(notice)
    row = await session.get(NoticeScene, (scene, audience), with_for_update=True)
    if row is not None:
        before = Chosen.of(row)
        await session.delete(row)
        await session.flush()
        _changed(session, actor, found, audience, before, default)
    return default


def text_problems(notice: Notice, *, title: str, content: str) -> dict[str, str]:
    """Problems of a title and content template, by field, in Chinese."""
    problems = {}
    for name, text, most in (("title", title, TITLE_MAX), ("content", content, CONTENT_MAX)):
        if not text.strip():
            problems[name] = "不能为空"
        elif len(text) > most:
            problems[name] = f"最多 {most} 个字"
        elif why := templates.problem(text, notice.values):
            problems[name] = why
    return problems


def _problems(notice: Notice, audience: NoticeAudience, wanted: Chosen) -> dict[str, str]:
    problems = text_problems(notice, title=wanted.title, content=wanted.content)
    if any(channel not in CHANNELS[audience] for channel in wanted.channels):
        problems["channels"] = "这个通知不能走所选的渠道"
    elif wanted.enabled and not wanted.channels:
        problems["channels"] = "请至少选择一个渠道，或停用这个通知"
    fields = wanted.mp_fields or {}
    if audience is not NoticeAudience.MEMBER and (fields or wanted.mp_template_id):
        problems["mp_template_id"] = "只有发给会员的通知才有公众号模板"
    elif NoticeChannel.MP_TEMPLATE in wanted.channels or fields or wanted.mp_template_id:
        problems |= mp_problems(notice, wanted.mp_template_id, fields)
    return problems


def mp_problems(notice: Notice, template_id: str, fields: Mapping[str, str]) -> dict[str, str]:
    """Problems of a service-account template, by field, in Chinese. Template id and fields are needed together."""
    problems = {}
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", template_id):
        problems["mp_template_id"] = "模板 ID 只含字母、数字、_ 和 -" if template_id else "请填写公众号的模板 ID"
    if not 1 <= len(fields) <= _MP_FIELDS_MAX:
        problems["mp_fields"] = f"请填写 1–{_MP_FIELDS_MAX} 个模板字段"
    for key, text in fields.items():
        why = None
        if not _MP_KEY.fullmatch(key):
            why = "字段名应如 thing1、amount2"
        elif not text.strip():
            why = "内容不能为空"
        elif len(text) > _MP_FIELD_LENGTH:
            why = f"内容最多 {_MP_FIELD_LENGTH} 个字"
        why = why or templates.problem(text, notice.values)
        if why:
            problems["mp_fields"] = f"字段 {key}：{why}"
    return problems


async def _receiver_problems(session: AsyncSession, audience: NoticeAudience, wanted: Chosen) -> dict[str, str]:
    if audience is not NoticeAudience.STAFF:
        return {"staff_ids": "只有发给工作人员的通知才选接收人"} if wanted.roles or wanted.staff_ids else {}
    if not wanted.roles and not wanted.staff_ids and wanted.enabled and NoticeChannel.WECOM_APP in wanted.channels:
        return {"staff_ids": "请选择接收人：至少一个角色或一位工作人员"}
    found = await _people(session, wanted.staff_ids)
    gone = len(set(wanted.staff_ids) - found.keys())
    if gone:
        return {"staff_ids": f"所选的 {gone} 位接收人已停用或已删除"}
    mute = [person.display_name for person in found.values() if person.wecom_user_id is None]
    if mute and NoticeChannel.WECOM_APP in wanted.channels:
        return {"staff_ids": f"{'、'.join(mute)} 没有填写企业微信账号，请先在用户管理中填写"}
    return {}


async def _people(session: AsyncSession, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Staff]:
    statement = select(Staff).where(Staff.id.in_(ids), Staff.active, Staff.deleted_at.is_(None))
    return {person.id: person for person in await session.scalars(statement)}


def _changed(
    session: AsyncSession, actor: Actor, scene: Scene, audience: NoticeAudience, before: Chosen, after: Chosen
) -> None:
    session.info.pop(_LOADED, None)
    was, is_ = audit.difference(before.columns(), after.columns())
    if is_:
        audit.record(
            session, actor, "config.update", target_type="notice_scene", target_name=f"{scene.code}:{audience}",
            before=was, after=is_,
        )  # fmt: skip
