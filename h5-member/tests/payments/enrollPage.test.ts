import { flushPromises } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { ApiError, type ErrorCode } from "@/api/client";
import { forgetDraft } from "@/composables/usePayForm";
import EnrollPage from "@/views/payments/EnrollPage.vue";

import { PRO_RATA } from "../support/rules";
import { inBrowser, open, type Opened } from "./app";
import * as service from "./service";
import { CAMP, ME, ORDER } from "./service";

vi.mock("@/api/client", async (original) => (await import("./service")).withService(original as never));

let opened: Opened;

async function enroll(): Promise<Opened> {
  opened = await open("enroll", "/enroll/c1", EnrollPage);
  return opened;
}

async function fill(number = "１０２４"): Promise<void> {
  await opened.page.get("#planet_nickname").setValue(" 早起的鸟 ");
  await opened.page.get("#planet_number").setValue(number);
  await opened.page.get("#wechat_nickname").setValue("小鸟");
  await opened.page.get("#agreed").setValue(true);
}

function refuse(code: ErrorCode, message = "不行", data: Record<string, unknown> | null = null): void {
  service.answers(ORDER, () => {
    throw new ApiError(code, message, "r", 409, data);
  });
}

beforeEach(() => {
  service.reset();
  service.answers(CAMP, service.camp());
  service.answers(ME, service.me());
  service.answers(ORDER, { payment_id: "p9" });
  inBrowser("wechat");
});
afterEach(() => {
  opened.page.unmount();
  forgetDraft("c1");
  vi.restoreAllMocks();
});

describe("the form", () => {
  it("explains every field beside itself and sends nothing", async () => {
    await enroll();
    await opened.page.get("#planet_number").setValue("12a");
    await opened.press("支付押金");
    expect(opened.page.get("#planet_nickname-problem").text()).toBe("请填写星球昵称");
    expect(opened.page.get("#planet_number-problem").text()).toBe("星球编号须为 1 至 20 位数字");
    expect(opened.page.get("#agreed-problem").text()).toBe("请先阅读并勾选同意");
    expect(document.activeElement?.id).toBe("planet_nickname");
    expect(service.count(ORDER)).toBe(0);
  });

  it("wants the agreement too", async () => {
    await enroll();
    await fill();
    await opened.page.get("#agreed").setValue(false);
    await opened.press("支付押金");
    expect(service.count(ORDER)).toBe(0);
    expect(document.activeElement?.id).toBe("agreed");
  });

  it("complains about a field when it is left, and stops when it is mended", async () => {
    await enroll();
    const field = opened.page.get("#planet_number");
    await field.trigger("blur");
    expect(opened.page.get("#planet_number-problem").text()).toBe("");
    await field.setValue("x");
    await field.trigger("blur");
    expect(opened.page.find("#planet_number-problem").exists()).toBe(true);
    await field.setValue("7");
    expect(opened.page.get("#planet_number-problem").text()).toBe("");
  });

  it("places an order and goes to pay it, in the place of this page", async () => {
    await enroll();
    await fill();
    const replaced = vi.spyOn(opened.router, "replace");
    await opened.press("支付押金 ¥99");
    expect(service.bodies).toEqual([
      {
        camp_id: "c1",
        channel: "jsapi",
        planet_nickname: "早起的鸟",
        planet_number: "1024",
        wechat_nickname: "小鸟",
      },
    ]);
    expect(replaced).toHaveBeenCalledOnce();
    expect(opened.router.currentRoute.value.fullPath).toBe("/payments/p9");
    expect((window.history.state as { pay?: string }).pay).toBe("fresh");
  });

  it("says when to come back after too many tries, keeps what was typed, and sends again only when asked", async () => {
    await enroll();
    await fill();
    refuse("rate_limited", "操作太频繁，请 42 秒后再试", { retry_after: 42 });
    await opened.press("支付押金");
    expect(opened.page.text()).toContain("操作太频繁，请 42 秒后再试");
    await flushPromises();
    expect(service.count(ORDER)).toBe(1);
    expect(opened.page.get<HTMLInputElement>("#planet_nickname").element.value).toContain("早起的鸟");
    service.answers(ORDER, { payment_id: "p9" });
    await opened.press("支付押金");
    expect(service.count(ORDER)).toBe(2);
    expect(opened.router.currentRoute.value.fullPath).toBe("/payments/p9");
  });

  it("places one order when it is tapped twice", async () => {
    await enroll();
    await fill();
    let answer: (value: unknown) => void = () => undefined;
    service.answers(ORDER, () => new Promise((resolve) => (answer = resolve)));
    await opened.press("支付押金");
    await opened.press("支付押金");
    expect(opened.page.get("button[type=submit]").attributes("disabled")).toBeDefined();
    answer({ payment_id: "p9" });
    await flushPromises();
    expect(service.count(ORDER)).toBe(1);
  });

  it("begins with what the person typed last time", async () => {
    service.answers(
      ME,
      service.me({ form: { planet_nickname: "鸟", planet_number: "7", wechat_nickname: "微鸟" } }),
    );
    await enroll();
    expect(opened.page.get<HTMLInputElement>("#planet_number").element.value).toBe("7");
  });

  it("keeps what was typed through another visit of the page", async () => {
    service.answers(
      ME,
      service.me({ form: { planet_nickname: "鸟", planet_number: "7", wechat_nickname: "微鸟" } }),
    );
    await enroll();
    await opened.page.get("#planet_number").setValue("77");
    opened.page.unmount();
    await enroll();
    expect(opened.page.get<HTMLInputElement>("#planet_number").element.value).toBe("77");
    expect(opened.page.get<HTMLInputElement>("#wechat_nickname").element.value).toBe("微鸟");
  });
});

describe("above the button", () => {
  const lines = () => opened.page.findAll(".risk").map((line) => line.text());

  it("stands what can be lost", async () => {
    await enroll();
    expect(lines()).toEqual(["未达到要求，押金 ¥99 不退还"]);
    expect(opened.page.get("button[type=submit]").text()).toBe("支付押金 ¥99");
  });

  it("stands the fee, which the button doesn't call a deposit", async () => {
    service.answers(CAMP, service.camp({ deposit_fen: 12000, rule: PRO_RATA }));
    await enroll();
    expect(lines()).toEqual(["未达到要求，押金 ¥100 会少退或不退", "服务费 ¥20，开营后不退"]);
    expect(opened.page.get("button[type=submit]").text()).toBe("支付 ¥120");
    expect(opened.text()).toContain("押金 ¥100");
    expect(opened.text()).not.toContain("押金 ¥120");
  });

  it.each([
    ["a deal that pays parts", [20000, 13000], "未达到要求，押金 ¥200 会少退或不退"],
    ["a deal nobody can read", [], "押金 ¥200 能否退还以规则为准"],
  ])("doesn't say more than the examples of %s", async (_, amounts, expected) => {
    const examples = amounts.map((amount_fen, days) => ({ text: `例 ${days}`, days, amount_fen }));
    service.answers(CAMP, service.camp({ deposit_fen: 20000, rule: { ...PRO_RATA, fee_fen: 0, examples } }));
    await enroll();
    expect(lines()).toEqual([expected]);
  });
});

describe("who may not enrol", () => {
  it.each([
    ["full", "训练营名额已满"],
    ["closed", "报名已结束"],
    ["not_open", "报名尚未开始"],
  ] as const)("%s: %s", async (enroll_state, words) => {
    service.answers(CAMP, service.camp({ enroll_state }));
    await enroll();
    expect(opened.text()).toContain(words);
    expect(opened.page.find("form").exists()).toBe(false);
  });

  it("a member is shown the way to group and progress", async () => {
    service.answers(ME, service.me({ memberships: [service.membership] }));
    await enroll();
    const links = opened.page.findAll("a").map((link) => link.attributes("href"));
    expect(links).toEqual(["/qrcode/p1", "/progress/m1"]);
  });

  it("is learned also from the order's refusal", async () => {
    await enroll();
    await fill();
    refuse("already_enrolled", "您已报名", { member_id: "m7", payment_id: "p7" });
    await opened.press("支付押金");
    const links = opened.page.findAll("a").map((link) => link.attributes("href"));
    expect(opened.text()).toContain("您已报名该训练营");
    expect(links).toEqual(["/qrcode/p7", "/progress/m7"]);
  });

  it("full at the last moment: looked at again, the form is as it was", async () => {
    await enroll();
    await fill();
    refuse("camp_full");
    await opened.press("支付押金");
    expect(opened.text()).toContain("训练营名额已满");
    await opened.press("刷新");
    expect(opened.page.get<HTMLInputElement>("#wechat_nickname").element.value).toBe("小鸟");
  });

  it("an unknown camp is said to be unknown", async () => {
    service.answers(CAMP, () => {
      throw new ApiError("camp_not_found", "训练营不存在或尚未发布", "r", 404);
    });
    await enroll();
    expect(opened.text()).toContain("训练营不存在或尚未发布");
  });
});

describe("a refused order", () => {
  it("shows the service's words for a field beside it", async () => {
    await enroll();
    await fill();
    refuse("validation_error", "请检查填写的内容", {
      fields: [{ field: "planet_nickname", message: "含有不可见的控制字符" }],
    });
    await opened.press("支付押金");
    expect(opened.page.get("#planet_nickname-problem").text()).toBe("含有不可见的控制字符");
    expect(document.activeElement?.id).toBe("planet_nickname");
  });

  it("shows what is wrong with the way of paying", async () => {
    await enroll();
    await fill();
    const fields = [{ field: "channel", message: "无法识别您的网络地址，请换一种支付方式" }];
    refuse("validation_error", "请检查填写的内容", { fields });
    await opened.press("支付押金");
    expect(opened.page.get("[role=alert]").text()).toBe("无法识别您的网络地址，请换一种支付方式");
  });

  it("can be tried again after the network was lost", async () => {
    await enroll();
    await fill();
    refuse("timeout", "网络有点慢，请重试");
    await opened.press("支付押金");
    expect(opened.page.get("[role=alert]").text()).toBe("网络有点慢，请重试");
    service.answers(ORDER, { payment_id: "p9" });
    await opened.press("支付押金");
    expect(opened.router.currentRoute.value.fullPath).toBe("/payments/p9");
  });

  it("leads through WeChat's log-in when a guest's session is used inside WeChat", async () => {
    await enroll();
    await fill();
    refuse("wechat_login_required", "请在微信中登录后再支付");
    await opened.press("支付押金");
    const left = vi.spyOn(window.location, "replace").mockImplementation(() => undefined);
    await opened.press("微信登录后继续");
    expect(left).toHaveBeenCalledWith("/api/h5/auth/wechat?return_to=%2Fenroll%2Fc1");
  });
});

describe("an open order", () => {
  it("is gone on with, at its own price, though the camp is full by now", async () => {
    service.answers(CAMP, service.camp({ enroll_state: "full" }));
    const form = { planet_nickname: "鸟", planet_number: "7", wechat_nickname: "微鸟" };
    service.answers(ME, service.me({ form, orders: [service.openOrder()] }));
    await enroll();
    expect(opened.page.get("[role=timer]").text()).toBe("25:00");
    await opened.press("继续支付 ¥88");
    expect(service.count(ORDER)).toBe(1);
  });

  it("of another camp is none", async () => {
    const other = service.openOrder();
    service.answers(ME, service.me({ orders: [{ ...other, camp: { ...other.camp, id: "c2" } }] }));
    await enroll();
    expect(opened.text()).toContain("支付押金 ¥99");
  });
});

it.each([
  ["wechat", null],
  ["phone", "建议在微信中打开"],
  ["desktop", "付款二维码"],
] as const)("hints in %s at %s", async (kind, words) => {
  inBrowser(kind);
  await enroll();
  if (words === null) expect(opened.text()).not.toContain("建议");
  else expect(opened.text()).toContain(words);
});

it("says what went wrong, and loads again", async () => {
  service.answers(ME, () => {
    throw new ApiError("offline", "网络连接失败，请检查网络后重试", "abc");
  });
  await enroll();
  expect(opened.text()).toContain("网络连接失败");
  expect(opened.text()).toContain("abc");
  service.answers(ME, service.me());
  await opened.press("重试");
  expect(opened.page.find("form").exists()).toBe(true);
});

it("opens the rules and the guide, and gives the focus back", async () => {
  await enroll();
  for (const [link, title] of [
    ["《训练营规则》", "训练营规则"],
    ["如何获取星球编号", "如何获取星球编号"],
  ] as const) {
    const button = opened.page.findAll("button").find((one) => one.text() === link);
    (button?.element as HTMLElement).focus();
    await opened.press(link);
    await vi.dynamicImportSettled();
    await flushPromises();
    const sheet = document.querySelector("[role=dialog]");
    expect(sheet?.getAttribute("aria-label")).toBe(title);
    expect(document.activeElement).toBe(sheet);
    document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
    await flushPromises();
    expect(document.querySelector("[role=dialog]")).toBeNull();
    expect(document.activeElement).toBe(button?.element);
  }
});
