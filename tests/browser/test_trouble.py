"""Bad networks, a service in trouble, old phones: calm words, and a way on."""

import re

from playwright.async_api import Route, expect

from tests.browser.conftest import NewPhone
from tests.browser.pages import fill_form, pay_button
from tests.browser.phones import Phone
from tests.browser.stand import Stand

# Newer than Chromium 66, the oldest the app is built for (docs/decisions/0013): what such a WebView doesn't have.
# (Nor has it globalThis, but Playwright needs that itself.)
OLD_WEBVIEW = """
for (const [owner, names] of [
  [Array.prototype, ["at", "flat", "flatMap", "findLast", "findLastIndex", "toSorted", "toReversed", "with"]],
  [String.prototype, ["at", "matchAll", "replaceAll", "isWellFormed"]],
  [Object, ["fromEntries", "hasOwn", "groupBy"]],
  [Promise, ["allSettled", "any", "withResolvers", "try"]],
  [Element.prototype, ["replaceChildren", "checkVisibility", "setHTML"]],
  [window, ["structuredClone", "queueMicrotask", "WeakRef", "BigInt", "reportError"]],
  [AbortSignal, ["timeout", "any", "abort"]],
  [Crypto.prototype, ["randomUUID"]],
  [Intl, ["RelativeTimeFormat", "ListFormat", "Segmenter", "DisplayNames"]],
  [URL, ["canParse", "parse"]],
]) {
  for (const name of names) delete owner[name];
}
"""


async def test_an_answer_nobody_understands_can_be_asked_for_again(wechat: Phone, stand: Stand):
    page = wechat.page
    asked: list[str] = []

    async def trouble(route: Route) -> None:
        asked.append(route.request.headers["x-request-id"])
        await route.fulfill(status=500, content_type="text/html", body="<h1>Internal Server Error</h1>")

    wechat.expect_problem("status 500")
    await page.route("**/api/h5/me", trouble)
    await wechat.open("/me")
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("服务暂时不可用，请稍后重试")
    await expect(alert.locator("code")).to_have_text(asked[-1])
    await page.unroute_all()
    await alert.get_by_role("button", name="重试").click()
    await expect(alert).to_have_count(0)


async def test_a_page_that_is_loaded_ahead_survives_trouble_too(mobile: Phone, stand: Stand):
    camp = await stand.camp("出错训练营")
    page = mobile.page
    mobile.expect_problem("status 500")
    for path, pattern in (("/", "**/api/h5/camps?*"), (f"/camps/{camp.id}", "**/api/h5/camps/*")):
        await page.route(pattern, lambda route: route.fulfill(status=500, content_type="text/html", body="<h1>502"))
        await mobile.open(path)
        alert = page.get_by_role("alert")
        await expect(alert).to_contain_text("服务暂时不可用，请稍后重试")
        await page.unroute_all()
        await alert.get_by_role("button", name="重试").click()
        await expect(page.get_by_role("heading", name="出错训练营")).to_be_visible()


async def test_refusals_are_told_in_the_words_of_the_service(wechat: Phone, stand: Stand):
    """The window closes while the form is filled in."""
    camp = await stand.camp("关门训练营")
    page = wechat.page
    await wechat.open(f"/enroll/{camp.id}")
    await fill_form(page, nickname="迟到", number="12345")
    await page.get_by_label("我已阅读并同意").check()
    await stand.wait(days=1)
    await pay_button(page).click()
    await expect(page.get_by_role("heading", name="报名已结束")).to_be_visible()
    await expect(pay_button(page)).to_have_count(0)


async def test_what_is_wrong_with_a_field_stands_beside_it_before_anything_is_sent(wechat: Phone, stand: Stand):
    camp = await stand.camp("填错训练营")
    page = wechat.page
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    await wechat.open(f"/enroll/{camp.id}")
    await fill_form(page, nickname=" ", number="12a", wechat="名" * 51)
    await pay_button(page).click()
    number = page.get_by_label("星球编号", exact=True)
    await expect(page.get_by_label("星球昵称")).to_have_accessible_description("请填写星球昵称")
    await expect(number).to_have_accessible_description("星球编号须为 1 至 20 位数字")
    await expect(page.get_by_label("微信昵称")).to_have_accessible_description("须为 1 至 50 个字")
    await expect(page.get_by_label("我已阅读并同意")).to_have_accessible_description("请先阅读并勾选同意")
    await expect(page.get_by_label("星球昵称")).to_be_focused()
    assert [url for url in sent if url.endswith("/payments")] == []


async def test_without_a_network_the_last_list_is_shown(mobile: Phone, stand: Stand):
    await stand.camp("缓存训练营")
    page = mobile.page
    await mobile.open("/")
    await expect(page.get_by_role("link", name="缓存训练营")).to_be_visible()

    mobile.expect_problem("ERR_INTERNET_DISCONNECTED")
    await page.route("**/api/**", lambda route: route.abort("internetdisconnected"))
    await page.reload()
    await expect(page.get_by_text("以下是上次看到的内容")).to_be_visible()
    await expect(page.get_by_role("link", name="缓存训练营")).to_be_visible()

    await page.unroute_all()
    await page.get_by_role("button", name="重新加载").click()
    await expect(page.get_by_text("以下是上次看到的内容")).to_have_count(0)


async def test_a_lost_network_is_named_and_survived(wechat: Phone, stand: Stand):
    camp = await stand.camp("断网训练营")
    page = wechat.page
    await wechat.open(f"/enroll/{camp.id}")
    await fill_form(page, nickname="断线", number="12345")
    await page.get_by_label("我已阅读并同意").check()
    wechat.expect_problem("ERR_INTERNET_DISCONNECTED")
    await wechat.context.set_offline(True)
    await pay_button(page).click()
    await expect(page.get_by_role("alert")).to_contain_text("网络连接失败，请检查网络后重试")
    await expect(page.get_by_label("星球昵称")).to_have_value("断线")
    await wechat.context.set_offline(False)
    await pay_button(page).click()
    await wechat.arrives("/payments/.*")


async def test_the_list_and_the_form_work_in_an_old_webview(new_phone: NewPhone, stand: Stand):
    camp = await stand.camp("旧手机训练营")
    phone = await new_phone(openid="oOldPhone")
    await phone.context.add_init_script(OLD_WEBVIEW)
    page = phone.page
    await phone.open("/")
    assert await page.evaluate("[typeof [].at, typeof Object.fromEntries, typeof structuredClone]") == ["undefined"] * 3
    await expect(page.get_by_role("link", name="旧手机训练营")).to_be_visible()
    await phone.open(f"/enroll/{camp.id}")
    await fill_form(page, nickname="老朋友", number="abc")
    await page.get_by_label("我已阅读并同意").check()
    await pay_button(page).click()
    await expect(page.get_by_text("星球编号须为 1 至 20 位数字")).to_be_visible()
    await fill_form(page, nickname="老朋友", number="123456")
    await pay_button(page).click()
    await page.wait_for_url(re.compile("/payments/"))
