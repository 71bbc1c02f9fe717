import { flushPromises } from "@vue/test-utils";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { ApiError, type ErrorCode } from "@/api/client";
import GroupQrPage from "@/views/payments/GroupQrPage.vue";

import { inBrowser, open, type Opened } from "./app";
import * as service from "./service";
import { QRCODE } from "./service";

vi.mock("@/api/client", async (original) => (await import("./service")).withService(original as never));

let opened: Opened;

async function show(): Promise<Opened> {
  opened = await open("qrcode", "/qrcode/p1", GroupQrPage);
  return opened;
}

function refuse(code: ErrorCode, status = 409): void {
  service.answers(QRCODE, () => {
    throw new ApiError(code, "不行", "req-1", status);
  });
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
  service.reset();
  service.answers(QRCODE, service.qrcode());
  inBrowser("wechat");
});
afterEach(() => {
  opened.page.unmount();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it("shows the code, what to do with it, and the way to the progress", async () => {
  await show();
  expect(opened.page.get("img").attributes("src")).toBe("/media/qr?sig=1");
  for (const words of ["报名成功", "早起写作营", "¥99", "长按识别二维码加入群聊", "群昵称改为星球昵称"])
    expect(opened.text()).toContain(words);
  expect(opened.page.get("a").attributes("href")).toBe("/progress/m1");
});

it("asks for a new address when the picture has died, but not again and again", async () => {
  await show();
  await opened.page.get("img").trigger("error");
  expect(service.count(QRCODE)).toBe(1);
  vi.advanceTimersByTime(600_000);
  service.answers(QRCODE, service.qrcode({ group_qr_url: "/media/qr?sig=2" }));
  await opened.page.get("img").trigger("error");
  await flushPromises();
  expect(opened.page.get("img").attributes("src")).toBe("/media/qr?sig=2");
  await opened.page.get("img").trigger("error");
  expect(service.count(QRCODE)).toBe(2);
});

it("asks again when the person comes back from the group", async () => {
  await show();
  vi.advanceTimersByTime(60_000);
  document.dispatchEvent(new Event("visibilitychange"));
  await flushPromises();
  expect(service.count(QRCODE)).toBe(2);
});

it.each([
  ["died", { group_qr_url: null, qr_stale: true }],
  ["isn't there", { group_qr_url: null, qr_stale: false }],
])("names a contact when the code %s", async (_, changes) => {
  service.answers(QRCODE, service.qrcode({ ...changes, contact: "班长小王" }));
  await show();
  expect(opened.page.find("img").exists()).toBe(false);
  expect(opened.text()).toContain("二维码更新中");
  expect(opened.text()).toContain("班长小王");
});

it.each(["payment_not_paid", "payment_without_place"] as const)("%s leads to the order", async (code) => {
  refuse(code);
  const replaced = vi.fn();
  opened = await open("qrcode", "/qrcode/p1", GroupQrPage);
  opened.router.afterEach(replaced);
  await flushPromises();
  expect(opened.router.currentRoute.value.fullPath).toBe("/payments/p1");
});

it("of a stranger is not there", async () => {
  refuse("not_found", 404);
  await show();
  expect(opened.text()).toContain("不属于当前账号");
});

it("keeps the code on the page when it can't be asked for again", async () => {
  await show();
  refuse("offline", 0);
  vi.advanceTimersByTime(60_000);
  document.dispatchEvent(new Event("visibilitychange"));
  await flushPromises();
  expect(opened.page.find("img").exists()).toBe(true);
});

it("shows what went wrong with its number, and tries again", async () => {
  refuse("internal_error", 500);
  await show();
  expect(opened.text()).toContain("req-1");
  service.answers(QRCODE, service.qrcode());
  await opened.press("重试");
  expect(opened.page.find("img").exists()).toBe(true);
});
