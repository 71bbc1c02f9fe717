import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { fresh, settled } from "../support/app";
import { count, ok, on, refusal } from "../support/network";
import { me, membership, order } from "./factory";
import { openPage, type OpenedPage } from "./page";

const CALL = /^GET .*\/me$/;
let opened: OpenedPage;

beforeEach(fresh);
afterEach(() => {
  vi.useRealTimers();
});

async function show(changes: Parameters<typeof me>[0] = {}): Promise<void> {
  on(CALL, ok(me(changes)));
  opened = await openPage("/me");
}

it("lists the person's camps with the ways on", async () => {
  await show({
    unread: 3,
    memberships: [
      membership(),
      membership({
        member_id: "m2",
        payment_id: "p2",
        match_status: "unmatched",
        correct_until: "2026-03-04T09:30:00+08:00",
      }),
      membership({ member_id: "m3", payment_id: "p3", camp: { ...membership().camp, status: "archived" } }),
    ],
  });
  expect(opened.text()).toContain("小林已用微信登录 · 星球编号 12***78");
  expect(opened.links()).toEqual([
    "/qrcode/p1",
    "/progress/m1",
    "/members/m2/planet",
    "/qrcode/p2",
    "/progress/m2",
    "/progress/m3",
    "/refunds",
    "/messages",
  ]);
  expect(opened.text()).toContain("3条未读");
});

it("tells guests how to find their places again, and nobody else", async () => {
  await show({ payer: { wechat: false } });
  expect(opened.text()).toContain("请用付款的微信打开本站找回");
  fresh();
  await show();
  expect(opened.text()).not.toContain("请用付款的微信打开本站找回");
});

it("counts an open order down, and asks again when its time is over", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
  on(CALL, ok(me({ orders: [order({ seconds_left: 62 })] })));
  opened = await openPage("/me");
  expect(opened.text()).toContain("待支付 ¥199，名额保留 01:02");
  expect(opened.links()[0]).toBe("/payments/p9");
  vi.advanceTimersByTime(60_000);
  await settled();
  expect(opened.text()).toContain("00:02");
  expect(count(CALL)).toBe(1);
  on(CALL, ok(me()));
  vi.advanceTimersByTime(3_000);
  await settled();
  expect(count(CALL)).toBe(2);
  expect(opened.text()).not.toContain("待支付");
});

it("leads who has no camp to the camps", async () => {
  await show({ memberships: [], form: null, payer: { wechat: false } });
  expect(opened.text()).toContain("访客");
  expect(opened.text()).toContain("还没有报名训练营");
  expect(opened.links()).toContain("/");
});

it("offers to try again", async () => {
  on(CALL, refusal(500, "internal_error", "服务出错了"));
  opened = await openPage("/me");
  expect(opened.text()).toContain("服务出错了");
  on(CALL, ok(me()));
  await opened.press("重试");
  expect(opened.text()).toContain("打卡 3/7 天");
});
