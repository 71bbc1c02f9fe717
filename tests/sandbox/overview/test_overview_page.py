"""What a person sees on the overview, and the buttons for faults."""

import datetime as dt
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from backend.core import clock
from backend.core.config import WeChatPaySettings, WeComSettings
from backend.gateways.wechat_pay import OrderRequest, RefundRequest, WeChatPay
from backend.gateways.wecom import WeCom
from backend.sandbox.app import Sandbox, build_sandbox
from tests.conftest import Time

SYSTEMS = ["wechat-pay", "zsxq", "oauth", "mp", "wecom"]


@pytest.fixture
def sandbox() -> Sandbox:
    # Nobody listens at the product's end, which is what an undelivered notification looks like.
    return build_sandbox(
        base_url="http://sandbox.test", notify_transport=httpx.MockTransport(lambda _: httpx.Response(500))
    )


@pytest.fixture
async def browser(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sandbox.app), base_url=sandbox.base_url) as client:
        yield client


@pytest.fixture
async def pay(sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[WeChatPay]:
    prefix = "CAMP_WECHAT_PAY__"
    environment = sandbox.environment(tmp_path).items()
    values = {name.removeprefix(prefix).lower(): value for name, value in environment if name.startswith(prefix)}
    gateway = WeChatPay(WeChatPaySettings.model_validate(values), transport=httpx.ASGITransport(sandbox.app))
    yield gateway
    await gateway.aclose()


def section(page: str, name: str) -> str:
    """The text of one part of the page."""
    rest = page.partition(f'data-part="{name}">')[2]
    assert rest, name
    return re.sub(r"\s+", " ", rest.partition("data-part=")[0])


async def test_empty_sandbox_says_so(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/")).text
    for text in ("还没有订单", "还没有退款", "还没有发出过通知", "还没有消息", "还没有打卡项目"):
        assert text in page
    assert page.count("一切正常") == len(SYSTEMS)


async def test_money_is_shown_from_order_to_refund(
    browser: httpx.AsyncClient, sandbox: Sandbox, pay: WeChatPay, time: Time
) -> None:
    expires = clock.now() + dt.timedelta(minutes=30)
    for number, openid in (("P2026030100001", "oPayer000001"), ("P2026030100002", "oPayer000002")):
        await pay.create_order(
            OrderRequest("jsapi", number, "早起训练营<押金>", 123_400, expires, "http://testserver/hook", openid)
        )
    paid = sandbox.wechat_pay.pay("P2026030100001")
    await pay.create_refund(
        RefundRequest("R2026030100001", str(paid.transaction_id), 23_400, 123_400, "http://testserver/hook", "达标")
    )
    await sandbox.wechat_pay.deliver_due()

    page = (await browser.get("/")).text
    orders = section(page, "orders")
    assert "早起训练营&lt;押金&gt;" in orders
    assert orders.index("P2026030100002") < orders.index("P2026030100001")  # newest first
    assert "待支付" in orders
    assert 'href="http://sandbox.test/wechat-pay/cashier/P2026030100001"' in orders
    assert (await browser.get("http://sandbox.test/wechat-pay/cashier/P2026030100002")).status_code == 200
    assert "-¥234.00" in section(page, "refunds")
    assert "退款中" in section(page, "refunds")
    assert "最近 HTTP 500" in section(page, "deliveries")
    assert "待投递" in section(page, "deliveries")

    time.advance(3600)
    page = (await browser.get("/")).text
    assert "已退款" in section(page, "refunds")
    books = section(page, "books")
    assert "¥1,000.00" in books
    assert "¥1,234.00" in books


async def test_messages_and_projects(browser: httpx.AsyncClient, sandbox: Sandbox) -> None:
    group = sandbox.zsxq.add_group("早起星球")
    project = sandbox.zsxq.add_project("七天早起", group_id=group)
    for name in ("小满", "阿哲"):
        sandbox.zsxq.post(sandbox.zsxq.add_member(name), project, clock.now())
    settings = WeComSettings(
        base_url="http://sandbox.test/wecom",
        corp_id=sandbox.wecom.corp_id,
        agent_id=sandbox.wecom.agent_id,
        secret=SecretStr(sandbox.wecom.secret),
        robot_key=SecretStr(sandbox.wecom.robot_key),
    )
    wecom = WeCom(settings, transport=httpx.ASGITransport(sandbox.app))
    for _ in range(2):
        await wecom.send_app_message("退款失败 <b>R1</b>")
    await wecom.send_robot_text("长" * 500)
    await wecom.aclose()

    page = (await browser.get("/")).text
    messages = section(page, "messages")
    assert messages.count("退款失败 &lt;b&gt;R1&lt;/b&gt;") == 2
    assert "重复未发" in messages
    assert "<details" in messages
    assert "运营告警群" in messages
    assert "参加 2 人" in section(page, "projects")
    assert project in section(page, "projects")
    assert "早起星球" in section(page, "projects")


async def test_only_the_newest_hundred_are_listed(browser: httpx.AsyncClient, sandbox: Sandbox) -> None:
    sandbox.zsxq.add_group()
    for n in range(130):
        sandbox.zsxq.add_project(f"项目{n}号")
    projects = section((await browser.get("/")).text, "projects")
    assert "项目129号" in projects
    assert "项目29号" not in projects
    assert '<span class="count">130</span>' in projects


@pytest.mark.parametrize("system", SYSTEMS)
async def test_every_fault_of_every_system_can_be_set_and_cleared(browser: httpx.AsyncClient, system: str) -> None:
    page = (await browser.get("/")).text
    form = page[page.index(f'data-system="{system}"') :].partition("</form>")[0]
    names = re.findall(r'<option value="([^"]+)"', form)
    assert len(names) >= 6
    for name in names:
        rows = (await browser.post("/_control/faults", json={"system": system, "name": name, "times": 3})).json()
        assert [row["name"] for row in rows if row["active"]] == [name]
        shown = (await browser.get("/")).text
        assert f'data-clear="{name}"' in shown
        cleared = await browser.request("DELETE", "/_control/faults", json={"system": system, "name": name})
        assert not any(row["active"] for row in cleared.json())
    for name in names[:2]:
        await browser.post("/_control/faults", json={"system": system, "name": name, "times": None})
    assert "全部清除" in (await browser.get("/")).text
    rows = (await browser.request("DELETE", "/_control/faults", json={"system": system, "name": None})).json()
    assert not any(row["active"] for row in rows)


async def test_an_injected_fault_acts(browser: httpx.AsyncClient) -> None:
    await browser.post("/_control/faults", json={"system": "oauth", "name": "busy", "times": 1})
    assert (await browser.get("/oauth/sns/oauth2/access_token")).json()["errcode"] == -1
    assert (await browser.get("/oauth/sns/oauth2/access_token")).json()["errcode"] == 40013


@pytest.mark.parametrize(
    "wish",
    [
        {"system": "nonsense", "name": "busy"},
        {"name": "busy"},
        {"system": "oauth", "name": "nonsense"},
        {"system": "zsxq", "name": "nonsense"},
        {"system": "wechat-pay", "name": "nonsense"},
        {"system": "wecom", "name": "busy", "times": 0},
    ],
)
async def test_nonsense_is_refused(browser: httpx.AsyncClient, wish: dict[str, object]) -> None:
    assert (await browser.post("/_control/faults", json=wish)).status_code == 422


async def test_page_needs_nothing_from_elsewhere_and_shows_no_secret(
    browser: httpx.AsyncClient, sandbox: Sandbox
) -> None:
    sandbox.zsxq.add_group()
    token = sandbox.zsxq.issue_token()
    page = (await browser.get("/")).text
    for asset in re.findall(r'(?:src|href)="(overview/[^"]+)"', page):
        assert (await browser.get(f"/{asset}")).status_code == 200
    assert re.findall(r'(?:src|href)="https?://(?!sandbox\.test)', page) == []
    secrets = [sandbox.oauth.app_secret, sandbox.wecom.secret, sandbox.wecom.robot_key, token]
    assert not any(secret in page for secret in [*secrets, sandbox.wechat_pay.keys.apiv3_key])
