import { flushPromises } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { ApiError } from "@/api/client";
import { perTab } from "@/utils/storage";
import PaymentPage from "@/views/payments/PaymentPage.vue";

import { inBrowser, open, type Opened } from "./app";
import * as service from "./service";
import { PARAMS, PAYMENT } from "./service";

vi.mock("@/api/client", async (original) => (await import("./service")).withService(original as never));

let opened: Opened;
let bridgeCalls = 0;

async function show(pay?: string, query = ""): Promise<Opened> {
  opened = await open("payment", `/payments/p1${query}`, PaymentPage, pay);
  return opened;
}

function bridge(word: string): void {
  window.WeixinJSBridge = {
    invoke: (_method, _params, done) => {
      bridgeCalls += 1;
      done({ err_msg: `get_brand_wcpay_request:${word}` });
    },
  };
}

function setHidden(hidden: boolean): void {
  vi.spyOn(document, "hidden", "get").mockReturnValue(hidden);
  document.dispatchEvent(new Event("visibilitychange"));
}

const markOf = () => (window.history.state as { pay?: string | null }).pay;
const after = async (ms: number) => {
  await vi.advanceTimersByTimeAsync(ms);
  await flushPromises();
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
  service.reset();
  service.answers(PAYMENT, service.payment());
  service.answers(PARAMS, service.BRIDGE_PARAMS);
  inBrowser("wechat");
  bridge("ok");
  bridgeCalls = 0;
});
afterEach(() => {
  opened.page.unmount();
  delete window.WeixinJSBridge;
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("in WeChat", () => {
  it("opens the cashier right after the form, waits, and shows the group's code once the service says paid", async () => {
    perTab.set("draft:c1", { planet_nickname: "鸟" });
    await show("fresh");
    expect(bridgeCalls).toBe(1);
    expect(opened.text()).toContain("正在确认支付结果");
    const before = service.count(PAYMENT);
    await after(2000);
    expect(service.count(PAYMENT)).toBe(before + 1);
    service.answers(PAYMENT, service.payment({ status: "paid", member_id: "m1" }));
    const replaced = vi.spyOn(opened.router, "replace");
    await after(2000);
    expect(replaced).toHaveBeenCalledOnce();
    expect(opened.router.currentRoute.value.fullPath).toBe("/qrcode/p1");
    expect(perTab.get("draft:c1")).toBeNull();
  });

  it("opens no cashier on a reload", async () => {
    await show("fresh");
    opened.page.unmount();
    await show(markOf() ?? undefined);
    expect(bridgeCalls).toBe(1);
    expect(opened.text()).toContain("正在确认支付结果");
  });

  it("opens no cashier for somebody who comes by another way", async () => {
    await show();
    expect(bridgeCalls).toBe(0);
    await opened.press("立即支付 ¥99");
    expect(bridgeCalls).toBe(1);
  });

  it.each([
    ["cancel", "支付已取消", "继续支付"],
    ["fail", "支付未完成", "重新支付"],
  ])("after %s asks the service, says %s and offers %s", async (word, words, button) => {
    bridge(word);
    await show();
    const before = service.count(PAYMENT);
    await opened.press("立即支付");
    expect(service.count(PAYMENT)).toBe(before + 1);
    expect(opened.text()).toContain(words);
    bridge("ok");
    await opened.press(button);
    expect(opened.text()).toContain("正在确认支付结果");
  });

  it("believes the service after a failure: it may be paid all the same", async () => {
    bridge("fail");
    await show();
    service.answers(PAYMENT, service.payment({ status: "paid", member_id: "m1" }));
    await opened.press("立即支付");
    expect(opened.router.currentRoute.value.name).toBe("qrcode");
  });

  it("is patient for 30 seconds, then says so and goes on asking", async () => {
    await show("fresh");
    await after(29_000);
    expect(opened.text()).toContain("正在确认支付结果");
    await after(1500);
    expect(opened.text()).toContain("支付确认中");
    const before = service.count(PAYMENT);
    await after(10_000);
    expect(service.count(PAYMENT)).toBeGreaterThan(before);
    await opened.press("查看订单状态");
    expect(opened.text()).toContain("正在确认支付结果");
  });

  it("lets somebody who hasn't paid yet pay after all", async () => {
    await show("told");
    await after(30_500);
    await opened.press("还没有付款");
    expect(opened.text()).toContain("立即支付");
    expect(markOf()).toBeNull();
  });

  it("tapped twice opens one cashier", async () => {
    window.WeixinJSBridge = { invoke: () => (bridgeCalls += 1) };
    await show();
    await opened.press("立即支付");
    await opened.press("立即支付");
    expect(bridgeCalls).toBe(1);
    expect(service.count(PARAMS)).toBe(1);
  });

  it("shows the service's words when there are no parameters, and tries again at a tap", async () => {
    service.answers(PARAMS, () => {
      throw new ApiError("provider_unavailable", "外部服务暂时不可用，请稍后再试", "r", 502);
    });
    await show("fresh");
    expect(opened.page.get("[role=alert]").text()).toBe("外部服务暂时不可用，请稍后再试");
    service.answers(PARAMS, service.BRIDGE_PARAMS);
    await opened.press("立即支付");
    expect(bridgeCalls).toBe(1);
  });

  it("sees at once that the order is over when there are no parameters for it any more", async () => {
    await show();
    service.answers(PARAMS, () => {
      throw new ApiError("payment_not_pending", "订单已支付或已失效，请刷新查看", "r", 409);
    });
    service.answers(PAYMENT, service.payment({ status: "closed", seconds_left: 0 }));
    await opened.press("立即支付");
    expect(opened.text()).toContain("订单已关闭");
  });
});

describe("in another browser of a phone", () => {
  beforeEach(() => {
    inBrowser("phone");
    service.answers(PAYMENT, service.payment({ channel: "h5" }));
    service.answers(PARAMS, { h5_url: "https://wx.tenpay.com/x?prepay_id=1" });
  });

  it("leaves for WeChat Pay, with the way back, and asks on return", async () => {
    const left = vi.spyOn(window.location, "assign").mockImplementation(() => undefined);
    await show("fresh");
    const back = encodeURIComponent(`${window.location.origin}/payments/p1?returned=1`);
    expect(left).toHaveBeenCalledWith(`https://wx.tenpay.com/x?prepay_id=1&redirect_url=${back}`);
    expect(opened.text()).toContain("正在打开微信支付");
    expect(markOf()).toBe("left");
    window.dispatchEvent(new Event("pageshow"));
    await flushPromises();
    expect(opened.text()).toContain("支付完成了吗");
    await opened.press("已完成支付");
    expect(opened.text()).toContain("正在确认支付结果");
  });

  it.each([
    ["by its way back", undefined, "?returned=1"],
    ["by the back button", "left", ""],
  ])("comes back %s and is asked, without being sent away again", async (_, pay, query) => {
    const left = vi.spyOn(window.location, "assign").mockImplementation(() => undefined);
    await show(pay, query);
    expect(opened.text()).toContain("支付完成了吗");
    expect(left).not.toHaveBeenCalled();
    await opened.press("重新支付");
    expect(left).toHaveBeenCalledOnce();
  });

  it("goes on to the group's code by itself when it is paid", async () => {
    await show(undefined, "?returned=1");
    service.answers(PAYMENT, service.payment({ channel: "h5", status: "paid", member_id: "m1" }));
    await after(2000);
    expect(opened.router.currentRoute.value.name).toBe("qrcode");
  });
});

it("shows a desktop the code to scan, also after a reload, until the time is over", async () => {
  inBrowser("desktop");
  service.answers(PAYMENT, service.payment({ channel: "native", seconds_left: 3 }));
  service.answers(PARAMS, { code_url: "weixin://wxpay/bizpayurl?pr=1" });
  await show();
  await vi.dynamicImportSettled();
  await flushPromises();
  expect(opened.page.get("img").attributes("src")).toMatch(/^data:image\/svg/);
  expect(opened.page.get("[role=timer]").text()).toBe("00:03");
  await after(3000);
  expect(opened.text()).toContain("支付时间已到");
  expect(opened.page.find("img").exists()).toBe(false);
});

it("offers another way when the order was made in another kind of browser", async () => {
  inBrowser("desktop");
  await show();
  expect(opened.page.get("section a").attributes("href")).toBe("/enroll/c1");
  expect(service.count(PARAMS)).toBe(0);
});

describe("asking", () => {
  it("goes on calmly through failures", async () => {
    await show();
    service.answers(PAYMENT, () => {
      throw new ApiError("offline", "网络连接失败", "r");
    });
    await after(5000);
    expect(opened.text()).toContain("正在继续查询");
    expect(opened.text()).toContain("立即支付");
    service.answers(PAYMENT, service.payment({ status: "closed" }));
    await after(5000);
    expect(opened.text()).toContain("订单已关闭");
    expect(opened.text()).not.toContain("正在继续查询");
  });

  it("ends with the order", async () => {
    service.answers(PAYMENT, service.payment({ status: "closed" }));
    await show();
    await after(60_000);
    setHidden(false);
    expect(service.count(PAYMENT)).toBe(1);
    expect(opened.page.get("section a").attributes("href")).toBe("/enroll/c1");
  });

  it("rests while nobody looks, and happens at once when somebody does", async () => {
    await show();
    setHidden(true);
    await after(5000);
    const before = service.count(PAYMENT);
    await after(60_000);
    expect(service.count(PAYMENT)).toBe(before);
    setHidden(false);
    await flushPromises();
    expect(service.count(PAYMENT)).toBe(before + 1);
  });

  it("happens at once when the network is back", async () => {
    await show();
    window.dispatchEvent(new Event("online"));
    await flushPromises();
    expect(service.count(PAYMENT)).toBe(2);
  });

  it("ends with the page", async () => {
    await show("fresh");
    opened.page.unmount();
    const before = service.count(PAYMENT);
    await after(60_000);
    expect(service.count(PAYMENT)).toBe(before);
  });

  it("of a stranger's order ends with a calm page", async () => {
    service.answers(PAYMENT, () => {
      throw new ApiError("not_found", "订单不存在", "r", 404);
    });
    await show();
    expect(opened.text()).toContain("订单不存在，或不属于当前账号");
    await after(60_000);
    expect(service.count(PAYMENT)).toBe(1);
  });
});

describe("money without a place of its own", () => {
  const refund = {
    id: "r1",
    kind: "duplicate",
    status: "pending_review",
    amount_fen: 9900,
    created_at: "2026-03-01T10:05:00+08:00",
    reviewed_at: null,
    succeeded_at: null,
    reject_reason: null,
    settled_offline: false,
  } as const;

  it("paid twice: comes back, and the first place stands", async () => {
    const paid = { status: "paid", member_id: "m1", excess: "already_enrolled", refund } as const;
    service.answers(PAYMENT, service.payment(paid));
    await show();
    expect(opened.router.currentRoute.value.name).toBe("payment");
    expect(opened.text()).toContain("重复支付");
    expect(opened.text()).toContain("原路退回");
    expect(opened.text()).toContain("待审核");
    const links = opened.page.findAll("a").map((link) => link.attributes("href"));
    expect(links).toEqual(["/qrcode/p1", "/progress/m1"]);
  });

  it.each([
    ["camp_full", "名额已满"],
    ["camp_started", "训练营已开始"],
    ["camp_over", "训练营已结束"],
  ] as const)("%s: %s", async (excess, words) => {
    service.answers(PAYMENT, service.payment({ status: "paid", excess, refund }));
    await show();
    expect(opened.text()).toContain(words);
    expect(opened.page.findAll("a").map((link) => link.attributes("href"))).toEqual(["/"]);
  });

  it.each([
    ["succeeded", "已退回原支付账户", null],
    ["rejected", "审核未通过", "原订单有效"],
  ] as const)("promises nothing any more when the refund is %s", async (status, words, reject_reason) => {
    const ended = { ...refund, status, reject_reason };
    service.answers(PAYMENT, service.payment({ status: "paid", excess: "camp_full", refund: ended }));
    await show();
    expect(opened.text()).toContain(words);
    expect(opened.text()).not.toContain("将在工作人员审核后");
  });
});
