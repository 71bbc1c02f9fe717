"""Trying a template before it is used: a preview with sample values, and a test message."""

from collections.abc import Mapping
from dataclasses import dataclass

from backend.core.errors import Invalid
from backend.core.ids import new_id
from backend.gateways import wechat_mp
from backend.gateways.errors import GatewayError
from backend.models.notifications import NoticeAudience, NoticeChannel
from backend.models.staff import Staff
from backend.office.notifications import rules, sending, templates
from backend.office.notifications.configuring import mp_problems, notice_of, text_problems
from backend.office.notifications.scenes import CHANNELS, VALUES
from backend.office.notifications.sending import Parcel
from backend.runtime import Runtime

_MARK = "【测试】"


@dataclass(frozen=True, slots=True)
class Draft:
    """The texts in the form, saved or not."""

    scene: str
    audience: NoticeAudience
    title: str
    content: str
    mp_template_id: str
    mp_fields: Mapping[str, str]

    def problems(self) -> dict[str, str]:
        """Problems by field, in Chinese. Raises NotFound."""
        _, notice = notice_of(self.scene, self.audience)
        problems = text_problems(notice, title=self.title, content=self.content)
        if self.mp_fields:
            problems |= mp_problems(notice, self.mp_template_id, self.mp_fields)
        return problems


@dataclass(frozen=True, slots=True)
class Preview:
    title: str
    content: str
    mp_fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of a test message. ``detail`` is Chinese."""

    ok: bool
    detail: str


def preview(draft: Draft) -> Preview:
    """Render the texts with sample values. Template fields are cut to WeChat's limits. Raises NotFound, Invalid."""
    if problems := draft.problems():
        raise Invalid(problems)
    _, notice = notice_of(draft.scene, draft.audience)
    samples = {name: VALUES[name].sample for name in notice.values}
    fields = {key: wechat_mp.fit(key, templates.render(text, samples)) for key, text in draft.mp_fields.items()}
    return Preview(templates.render(draft.title, samples), templates.render(draft.content, samples), fields)


async def send_test(runtime: Runtime, me: Staff, draft: Draft, channel: NoticeChannel, *, openid: str) -> Trial:
    """Send the preview to the viewer in WeCom, to the staff group, or to one openid. Raises NotFound, Invalid."""
    shown = preview(draft)
    if channel not in CHANNELS[draft.audience] or channel is NoticeChannel.INBOX:
        raise Invalid({"channel": "这个渠道不能发送测试消息"})
    text = f"{_MARK}{shown.title}\n{shown.content}"
    parcel = _parcel(runtime, me, draft, shown, channel, text, openid)
    try:
        await sending.deliver(runtime, parcel)
    except GatewayError as error:
        return Trial(False, rules.error_text(error.code))
    return Trial(True, "测试消息已发送")


def _parcel(
    runtime: Runtime, me: Staff, draft: Draft, shown: Preview, channel: NoticeChannel, text: str, openid: str
) -> Parcel:
    if channel is NoticeChannel.WECOM_APP:
        if me.wecom_user_id is None:
            raise Invalid({"channel": "您还没有填写企业微信账号，请先在用户管理中填写"})
        return Parcel(channel, me.wecom_user_id, text, f"\n[{new_id().hex[-6:]}]")
    if channel is NoticeChannel.WECOM_ROBOT:
        # Tests for a camp's group go to the staff robot too, so that members don't see them.
        return Parcel(channel, runtime.settings.wecom.robot_key.get_secret_value(), text)
    if not openid:
        raise Invalid({"openid": "请填写接收测试消息的 openid"})
    if not draft.mp_fields:
        raise Invalid({"mp_fields": "请先填写公众号模板"})
    return Parcel(
        channel,
        openid,
        text,
        template_id=draft.mp_template_id,
        fields=dict(shown.mp_fields),
        url=runtime.settings.public_base_url,
        message_id=new_id().hex,
    )
