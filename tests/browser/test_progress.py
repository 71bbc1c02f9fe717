"""The page that says whether the deposit comes back, where something stands against it."""

from playwright.async_api import expect

from tests.browser.conftest import NewPhone
from tests.browser.pages import verdict
from tests.browser.stand import Stand


async def test_a_rejected_refund_says_why(new_phone: NewPhone, stand: Stand):
    camp = await stand.camp("被拒绝的训练营", days=1, required=1)
    person = await stand.person("墨子")
    phone = await new_phone(openid="oMoZi0")
    member_id = await stand.enrol(camp, "oMoZi0", person)
    await camp.posts(person, 1)
    [refund] = await camp.end()
    await stand.stage.admin.post(f"/refunds/{refund['id']}/reject", {"reason": "存在刷卡"})

    await phone.open(f"/progress/{member_id}")
    await expect(verdict(phone.page)).to_contain_text("退款审核未通过，押金不退还")
    await expect(verdict(phone.page)).to_contain_text("理由：存在刷卡。如有疑问，请联系工作人员。")
    # 已达标 beside the refusal would contradict it.
    await expect(phone.page.get_by_text("已达标")).to_have_count(0)


async def test_who_failed_reads_no_promise_on_either_page(new_phone: NewPhone, stand: Stand):
    camp = await stand.camp("未达标的训练营", days=2, required=2)
    person = await stand.person("荀子")
    phone = await new_phone(openid="oXunZi0")
    page = phone.page
    member_id = await stand.enrol(camp, "oXunZi0", person)
    await camp.posts(person, 1)
    assert await camp.end() == []

    await phone.open(f"/progress/{member_id}")
    await expect(verdict(page)).to_contain_text("未达标，押金不退还")
    await expect(page.get_by_text("押金与退款")).to_be_visible()
    await expect(page.get_by_text("无需申请")).to_have_count(0)
    await phone.open("/me")
    await expect(page.get_by_role("article", name="未达标的训练营")).to_contain_text("打卡 1/2 天，未达标，押金不退还")


async def test_somebody_who_is_not_found_on_the_planet_is_told_what_to_do(new_phone: NewPhone, stand: Stand):
    camp = await stand.camp("查无此人训练营", days=3, required=2)
    phone = await new_phone(openid="oNobody")
    member_id = await stand.enrol(camp, "oNobody")
    await camp.go_to_day(1)
    await camp.sync()
    await phone.open(f"/progress/{member_id}")
    page = phone.page
    await expect(page.get_by_text("暂未找到")).to_be_visible()
    await expect(verdict(page)).to_contain_text("请核对星球昵称和编号")
    await expect(page.get_by_role("link", name="修改星球信息")).to_be_visible()


async def test_the_progress_of_somebody_else_is_not_there(new_phone: NewPhone, stand: Stand):
    camp = await stand.camp("别人的训练营")
    member_id = await stand.enrol(camp, "oOwner0", await stand.person("主人"))
    stranger = await new_phone(openid="oStranger")
    for unknown in (member_id, member_id[:-4] + "0000", "no-such-id"):
        await stranger.open(f"/progress/{unknown}")
        await expect(stranger.page.get_by_text("没有找到这份打卡进度")).to_be_visible()
        await expect(stranger.page.get_by_text("主人")).to_have_count(0)
