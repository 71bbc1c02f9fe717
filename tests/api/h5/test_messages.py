"""消息: a person's inbox, and nobody else's."""

from typing import Any

import httpx

from backend.core import clock
from backend.models.members import Member
from backend.office.notifications import scenes, service
from backend.office.notifications.service import To
from tests.api.h5.phone import Phone, phone_of
from tests.community.checkins.stage import Stage
from tests.factories import make_camp, make_member, make_payment


async def tell(stage: Stage, member: Member, title: str) -> None:
    async with stage.runtime.db.transaction() as session:
        values = {"camp": "营", "days": 1, "required": 7, "reason": title, "progress": ""}
        await service.notify(session, scenes.REFUND_REJECTED, To.member(member), about=title, values=values)
    stage.time.advance(1)


async def titles(phone: Phone, **query: Any) -> list[str]:
    """What tells the messages of a test apart."""
    contents = [message["content"] for message in (await phone.ok("/messages", params=query))["items"]]
    return [content.rpartition("：")[2] for content in contents]


async def test_messages_are_listed_newest_first(stage: Stage, phone: Phone) -> None:
    member = await stage.member(payer=phone.payer)
    for title in ("一", "二", "三"):
        await tell(stage, member, title)
    found = await phone.ok("/messages", params={"page_size": 2})
    assert found["total"] == 3
    message = found["items"][0]
    assert message.pop("created_at") < clock.shanghai(clock.now()).isoformat()
    assert len(message.pop("id")) == 36
    assert message == {
        "scene": "refund_rejected",
        "title": "退款未通过",
        "content": "「营」的退款申请未通过：三",
        "camp_id": str(stage.camp.id),
        "member_id": str(member.id),
        "read": False,
    }
    assert await titles(phone, page=2, page_size=2) == ["一"]


async def test_reading_marks_all_and_may_be_said_twice(stage: Stage, phone: Phone, stranger: Phone) -> None:
    member, other = await stage.member(payer=phone.payer), await stage.member(payer=stranger.payer)
    for title in ("一", "二"):
        await tell(stage, member, title)
    await tell(stage, other, "别人的")
    assert (await phone.ok("/me"))["unread"] == 2
    await phone.ok("/messages")
    assert (await phone.ok("/me"))["unread"] == 2  # the list alone reads nothing
    for _ in range(2):
        assert await phone.ok("/messages/read", "POST") == {"unread": 0}
    assert (await phone.ok("/me"))["unread"] == 0
    assert [message["read"] for message in (await phone.ok("/messages"))["items"]] == [True, True]
    assert (await stranger.ok("/me"))["unread"] == 1
    await tell(stage, member, "三")
    assert (await phone.ok("/me"))["unread"] == 1


async def test_a_wechat_log_in_sees_what_was_told_to_the_guest(
    stage: Stage, phone: Phone, stranger: Phone, client: httpx.AsyncClient
) -> None:
    guest = await phone_of(stage, client)
    member = await stage.member(payer=guest.payer, openid="o-lin")
    await tell(stage, member, "报名成功")
    assert await titles(guest) == await titles(phone) == ["报名成功"]
    assert await titles(stranger) == []
    await phone.ok("/messages/read", "POST")
    assert (await guest.ok("/me"))["unread"] == 0


async def test_a_browser_that_two_paid_with_keeps_their_messages_apart(
    stage: Stage, phone: Phone, stranger: Phone, client: httpx.AsyncClient
) -> None:
    guest = await phone_of(stage, client)
    async with stage.runtime.db.transaction() as session:
        camp = await make_camp(session)
        lin = await make_member(session, stage.camp, guest.payer, openid="o-lin")
        other = await make_member(session, camp, guest.payer, openid="o-other")
    await tell(stage, lin, "给林")
    await tell(stage, other, "给另一位")
    assert await titles(guest) == ["给另一位", "给林"]
    assert await titles(phone) == ["给林"]
    assert await titles(stranger) == ["给另一位"]


async def test_messages_about_money_without_a_place_are_found_by_the_payment(
    stage: Stage, phone: Phone, stranger: Phone, client: httpx.AsyncClient
) -> None:
    guest = await phone_of(stage, client)
    async with stage.runtime.db.transaction() as session:
        payment = await make_payment(session, stage.camp, guest.payer, paid=True, openid="o-lin")
        await make_payment(session, await make_camp(session), guest.payer, paid=True, openid="o-other")
        values = {"camp": "营", "amount": "99.00", "order": "P1", "reason": "名额已满"}
        await service.notify(session, scenes.PAYMENT_EXCESS, To.payer(payment), about="x", values=values)
    assert await titles(guest) == await titles(phone)
    assert [message["title"] for message in (await phone.ok("/messages"))["items"]] == ["支付将退回"]
    assert await titles(stranger) == []


async def test_what_staff_are_told_is_in_nobody_s_inbox(stage: Stage, phone: Phone) -> None:
    async with stage.runtime.db.transaction() as session:
        await service.notify(session, scenes.REFUND_HOLD, To.staff(), about="x", values={"cause": "余额不足"})
    assert await titles(phone) == []
    assert (await phone.ok("/me"))["unread"] == 0
