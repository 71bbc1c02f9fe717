"""Text of staff that would do something: it reaches members as text, or not at all."""

from playwright.async_api import expect

from tests.browser.phones import Phone
from tests.browser.stand import Stand
from tests.community.camps.hostile import HOSTILE


async def test_a_camps_description_runs_nothing(wechat: Phone, stand: Stand):
    text = "<p>先读<b>这里</b></p>" + "".join(payload for payload in HOSTILE if len(payload) < 150)
    camp = await stand.camp("正文训练营", description=text[:4000])
    page = wechat.page
    said: list[str] = []
    page.on("dialog", lambda dialog: said.append(dialog.message))
    await wechat.open(f"/camps/{camp.id}")
    rich = page.locator(".rich")
    await expect(rich.get_by_text("这里")).to_be_visible()
    acting = await rich.locator("script, iframe, object, embed, svg, math, img, form, input, style, link, base").count()
    assert acting == 0
    attributes = await rich.evaluate(
        "root => [...root.querySelectorAll('*')].flatMap(e => [...e.attributes].map(a => `${a.name}=${a.value}`))"
    )
    assert [name for name in attributes if name.startswith(("on", "style", "src")) or "script:" in name] == []
    assert await page.evaluate("window.hostile") is None
    assert said == []
