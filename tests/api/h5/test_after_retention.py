"""What members see of a camp whose personal data were blanked: their place and their money, without names."""

from backend.core.actor import SYSTEM
from backend.core.text import CLEARED, CLEARED_MESSAGE
from backend.desk.housekeeping import retention
from backend.models.camps import Camp, CampStatus
from backend.models.history import move
from tests.api.h5.phone import Phone, phone_of
from tests.community.checkins.stage import Stage
from tests.factories import make_camp, make_member, make_message


async def test_own_pages_still_answer(stage: Stage, phone: Phone) -> None:
    member = await stage.member(payer=phone.payer, planet_nickname="早起的鸟", planet_number="123456789")
    async with stage.runtime.db.transaction() as session:
        await make_message(session, "早起的鸟，已退款", member)
        camp = await session.get_one(Camp, stage.camp.id)
        for to in (CampStatus.ENDED, CampStatus.SETTLING, CampStatus.ARCHIVED):
            move(session, camp, to, event="x", actor=SYSTEM)
    stage.time.advance(91 * 86_400)
    await retention.clear(stage.runtime)
    phone = await phone_of(stage, phone.client, phone.payer)
    me = await phone.ok("/me")
    [mine] = me["memberships"]
    assert (mine["planet_nickname"], mine["planet_number_masked"], mine["paid_fen"]) == (CLEARED, "", 9900)
    # Nobody is asked to enrol as 已清除.
    assert me["form"] is None
    assert (await phone.ok(f"/progress/{member.id}"))["member_id"] == str(member.id)
    assert (await phone.ok(f"/payments/{member.payment_id}"))["status"] == "paid"
    [message] = (await phone.ok("/messages"))["items"]
    assert (message["title"], message["content"]) == (CLEARED, CLEARED_MESSAGE)
    async with stage.runtime.db.transaction() as session:
        newer = await make_camp(session)
        await make_member(session, newer, phone.payer, planet_nickname="晚起的鸟")
    assert (await phone.ok("/me"))["form"]["planet_nickname"] == "晚起的鸟"
