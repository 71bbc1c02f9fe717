"""The ground under the other browser tests: the stand-in for WeChat's bridge checks, and pages are watched."""

from tests.browser.conftest import NewPhone
from tests.browser.phones import Phone
from tests.browser.stand import Stand

_INVOKE = """(params) => new Promise((resolve) => {
  const invoke = () => WeixinJSBridge.invoke("getBrandWCPayRequest", params, (answer) => resolve(answer.err_msg));
  window.WeixinJSBridge ? invoke() : document.addEventListener("WeixinJSBridgeReady", invoke);
})"""


async def test_the_bridge_pays_what_the_merchant_signed_and_nothing_else(wechat: Phone, stand: Stand):
    camp = await stand.camp("桥接训练营")
    order = await stand.order(camp, "oBridgePayer")
    params = await order.client.get(f"/payments/{order.payment_id}/params")
    await wechat.open("/doc.html")
    forged = await wechat.page.evaluate(_INVOKE, params | {"timeStamp": "1700000000"})
    assert forged == "get_brand_wcpay_request:fail"
    assert wechat.cashier.refusals == ["支付验证签名失败"]
    assert await wechat.page.evaluate(_INVOKE, params) == "get_brand_wcpay_request:ok"
    await stand.paid(order)


async def test_problems_of_a_page_are_noticed(new_phone: NewPhone):
    phone = await new_phone("mobile")
    for pattern in ("console error: by the page", "exception: .*lost", "status 404: GET .*/media/nothing.png"):
        phone.expect_problem(pattern)
    await phone.open("/doc.html")
    await phone.page.evaluate("""async () => {
      console.error("by the page");
      setTimeout(() => { throw new Error("lost"); });
      await fetch("/media/nothing.png");
    }""")
    await phone.page.wait_for_timeout(50)
    assert len(phone.problems) == 3
    assert phone.unexpected() == []
