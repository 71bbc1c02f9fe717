"""通知设置: switches, channels, receivers and words of every scene."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from backend.api.answers import Answer, Id, Model, answer
from backend.api.deps import Allowed, CurrentStaff, RuntimeDep, SessionDep
from backend.models.notifications import NoticeAudience, NoticeChannel
from backend.models.staff import StaffRole
from backend.office.notifications import configuring, trial
from backend.office.notifications.configuring import Chosen
from backend.office.notifications.scenes import CHANNELS, SCENES, VALUES, Notice, Timing
from backend.office.staff.rules import Permission

router = APIRouter(prefix="/notices", tags=["通知设置"], dependencies=[Depends(Allowed(Permission.SETTINGS))])

# Above the limit of every template, so that the template rules report a too long text with its field.
Text = Annotated[str, Field(max_length=2000)]


class NoticeChoiceIn(Model):
    """How one audience hears of a scene, as a whole. ``mp_fields``: field of the template → text."""

    enabled: bool
    channels: Annotated[list[NoticeChannel], Field(max_length=4)]
    roles: Annotated[list[StaffRole], Field(max_length=4)]
    staff_ids: Annotated[list[Id], Field(max_length=100)]
    title: Text
    content: Text
    mp_template_id: Annotated[str, Field(max_length=100)] = ""
    mp_fields: Annotated[dict[str, str], Field(max_length=20)]

    def chosen(self) -> Chosen:
        return Chosen(
            self.enabled,
            tuple(dict.fromkeys(self.channels)),
            tuple(dict.fromkeys(self.roles)),
            tuple(dict.fromkeys(self.staff_ids)),
            self.title,
            self.content,
            self.mp_template_id,
            self.mp_fields,
        )


class NoticeChoiceOut(Model):
    enabled: bool
    channels: list[NoticeChannel]
    roles: list[StaffRole]
    staff_ids: list[Id]
    title: str
    content: str
    mp_template_id: str
    mp_fields: dict[str, str]

    @classmethod
    def of(cls, chosen: Chosen) -> "NoticeChoiceOut":
        return cls.model_validate(chosen.columns())


class NoticeValueOut(Model):
    """A placeholder: ``{name}`` in a template."""

    name: str
    label: str
    sample: str


class NoticeOut(Model):
    """``edited``: it differs from the program's own; ``merged``: three or more at once travel as one."""

    audience: NoticeAudience
    channels: list[NoticeChannel]
    values: list[NoticeValueOut]
    choice: NoticeChoiceOut
    edited: bool
    merged: bool


class SceneOut(Model):
    """``when`` says in Chinese what it is told for."""

    code: str
    title: str
    when: str
    timing: Timing
    notices: list[NoticeOut]


class NoticesOut(Model):
    """``configured``: channels whose account is set; ``enabled`` and the hours (Shanghai) are the group 通知."""

    scenes: list[SceneOut]
    configured: list[NoticeChannel]
    enabled: bool
    opens_at: str
    closes_at: str


class NoticeDraftIn(Model):
    scene: str
    audience: NoticeAudience
    title: Text
    content: Text
    mp_template_id: Annotated[str, Field(max_length=100)] = ""
    mp_fields: Annotated[dict[str, str], Field(max_length=20)]

    def draft(self) -> trial.Draft:
        return trial.Draft(self.scene, self.audience, self.title, self.content, self.mp_template_id, self.mp_fields)


class NoticeTestIn(NoticeDraftIn):
    """``openid`` names the receiver of a service-account message."""

    channel: NoticeChannel
    openid: Annotated[str, Field(max_length=128)] = ""


class NoticePreviewOut(Model):
    title: str
    content: str
    mp_fields: dict[str, str]


class NoticeTestOut(Model):
    """``detail`` is Chinese."""

    ok: bool
    detail: str


@router.get("")
async def list_scenes(runtime: RuntimeDep, session: SessionDep) -> Answer[NoticesOut]:
    """All scenes, in the order in which a camp lives through them."""
    edited = await configuring.edited(session)
    scenes = [
        SceneOut(
            code=scene.code,
            title=scene.title,
            when=scene.when,
            timing=scene.timing,
            notices=[
                _notice(audience, notice, edited.get((scene.code, audience)))
                for audience, notice in scene.notices.items()
            ],
        )
        for scene in SCENES.values()
    ]
    ways = {
        NoticeChannel.WECOM_APP: runtime.wecom.configured,
        NoticeChannel.WECOM_ROBOT: runtime.wecom.robot_configured,
        NoticeChannel.MP_TEMPLATE: runtime.wechat_mp.configured,
        NoticeChannel.INBOX: True,
    }
    hours = runtime.settings.notices
    return answer(
        NoticesOut(
            scenes=scenes,
            configured=[channel for channel, is_set in ways.items() if is_set],
            enabled=hours.enabled,
            opens_at=f"{hours.opens_at:%H:%M}",
            closes_at=f"{hours.closes_at:%H:%M}",
        )
    )


@router.put("/{scene}/{audience}")
async def save_choice(
    scene: str, audience: NoticeAudience, body: NoticeChoiceIn, session: SessionDep, viewer: CurrentStaff
) -> Answer[NoticeOut]:
    """All or nothing: unknown placeholders, missing receivers and half a template are refused by field."""
    _, notice = configuring.notice_of(scene, audience)
    chosen = await configuring.save(session, viewer.actor, scene, audience, body.chosen())
    return answer(_notice(audience, notice, chosen))


@router.delete("/{scene}/{audience}")
async def reset_choice(
    scene: str, audience: NoticeAudience, session: SessionDep, viewer: CurrentStaff
) -> Answer[NoticeOut]:
    """Back to the program's own (恢复默认)."""
    _, notice = configuring.notice_of(scene, audience)
    await configuring.reset(session, viewer.actor, scene, audience)
    return answer(_notice(audience, notice, None))


@router.post("/preview")
async def preview(body: NoticeDraftIn) -> Answer[NoticePreviewOut]:
    """The words with sample values."""
    return answer(NoticePreviewOut.model_validate(trial.preview(body.draft())))


@router.post("/test")
async def send_test(body: NoticeTestIn, runtime: RuntimeDep, viewer: CurrentStaff) -> Answer[NoticeTestOut]:
    """The words with sample values: to oneself at WeCom, into the staff's group, or to one follower."""
    result = await trial.send_test(runtime, viewer.staff, body.draft(), body.channel, openid=body.openid)
    return answer(NoticeTestOut.model_validate(result))


def _notice(audience: NoticeAudience, notice: Notice, edited: Chosen | None) -> NoticeOut:
    default = Chosen.default(notice)
    chosen = edited or default
    values = [NoticeValueOut(name=name, label=VALUES[name].label, sample=VALUES[name].sample) for name in notice.values]
    return NoticeOut(
        audience=audience,
        channels=list(CHANNELS[audience]),
        values=values,
        choice=NoticeChoiceOut.of(chosen),
        edited=chosen.columns() != default.columns(),
        merged=notice.merging is not None,
    )
