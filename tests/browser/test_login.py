"""Logging in without noticing: through WeChat inside it, as a guest elsewhere, and always back to the wished page."""

from playwright.async_api import expect

from tests.browser.conftest import NewPhone
from tests.browser.pages import verdict
from tests.browser.phones import Phone
from tests.browser.stand import Stand


async def test_a_link_leads_through_wechat_to_the_wished_page(new_phone: NewPhone, stand: Stand):
    camp = await stand.camp("扫码训练营")
    phone = await new_phone(choose=True)
    await phone.open(f"/enroll/{camp.id}?from=poster")
    await phone.page.get_by_role("button", name="清风徐来").click()
    await phone.arrives(rf"/enroll/{camp.id}\?from=poster")
    await expect(phone.page.get_by_role("heading", name="扫码训练营")).to_be_visible()

    # A second visit asks nobody anything.
    await phone.open(f"/enroll/{camp.id}")
    await expect(phone.page.get_by_role("heading", name="扫码训练营")).to_be_visible()


async def test_a_log_in_begun_in_another_browser_is_refused(new_phone: NewPhone, stand: Stand):
    camp = await stand.camp("被盗登录训练营")
    thief = await new_phone(choose=True)
    await thief.open(f"/enroll/{camp.id}")
    choice = thief.page.get_by_role("heading", name="以谁的身份继续？")
    await choice.wait_for()
    state = await thief.page.locator("input[name=state]").first.input_value()
    code = await stand.oauth_code("oThief0")

    victim = await new_phone(openid="oVictim")
    await victim.open(f"/auth/callback?code={code}&state={state}")
    await expect(victim.page.get_by_role("alert")).to_contain_text("授权已失效，请重新进入")
    assert await victim.token() is None
    await victim.page.get_by_role("button", name="重新授权").click()
    await victim.arrives("/")
    assert await victim.token() is not None


async def test_a_session_that_ended_is_renewed_on_the_way(new_phone: NewPhone, stand: Stand):
    camp = await stand.camp("漫长的训练营", days=60, required=30)
    phone = await new_phone(openid="oPatient")
    member_id = await stand.enrol(camp, "oPatient", await stand.person("耐心"))
    await phone.open(f"/progress/{member_id}")
    await expect(verdict(phone.page)).to_be_visible()
    before = await phone.token()

    await stand.wait(days=8)
    await phone.page.reload()
    await expect(verdict(phone.page)).to_be_visible()
    assert phone.path == f"/progress/{member_id}"
    assert await phone.token() != before


async def test_somebody_who_refuses_is_asked_again(new_phone: NewPhone):
    phone = await new_phone(openid="oShy000")
    await phone.open("/auth/callback?state=whatever")
    await expect(phone.page.get_by_text("授权后才能报名和查看进度")).to_be_visible()
    await phone.page.get_by_role("button", name="重新授权").click()
    await phone.arrives("/")


async def test_outside_wechat_nobody_has_to_log_in(mobile: Phone, stand: Stand):
    camp = await stand.camp("游客训练营")
    await mobile.open(f"/enroll/{camp.id}")
    await expect(mobile.page.get_by_role("button", name="支付押金")).to_be_visible()
    assert mobile.path == f"/enroll/{camp.id}"
