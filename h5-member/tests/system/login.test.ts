import { beforeEach, describe, expect, it, vi } from "vitest";

import { local } from "@/utils/storage";

import { fresh, open, settled, WECHAT } from "../support/app";
import { camp, me, rows } from "../support/camps";
import { count, ok, on, refusal, sent } from "../support/network";

const GUEST = /POST .*auth\/guest/;
const EXCHANGE = /POST .*auth\/wechat/;

beforeEach(() => {
  fresh();
  on(/camps/, ok(rows([camp()])));
  on(/\/me$/, ok(me()));
  on(GUEST, ok({ token: "guest" }));
});

function inWeChat() {
  vi.spyOn(navigator, "userAgent", "get").mockReturnValue(WECHAT);
  return vi.spyOn(window.location, "replace").mockImplementation(() => undefined);
}

describe("outside WeChat", () => {
  it("a guest session is made, and the wished page opened in place of the log-in", async () => {
    const { router } = await open("/me");
    expect(router.currentRoute.value.fullPath).toBe("/me");
    expect(local.get("token")).toBe("guest");
    expect(sent.find((one) => one.url.endsWith("/me"))?.headers.Authorization).toBe("Bearer guest");
  });

  it("a failure is shown, and can be tried again", async () => {
    on(GUEST, refusal(429, "rate_limited", "操作太频繁，请稍后再试"));
    const { text, press, router } = await open("/login?to=/me");
    expect(text()).toContain("操作太频繁，请稍后再试");
    on(GUEST, ok({ token: "guest" }));
    await press("重试");
    expect(router.currentRoute.value.fullPath).toBe("/me");
  });

  it("a service that refuses its own tokens doesn't keep us going round", async () => {
    on(/\/me$/, refusal(401, "unauthenticated", "请先登录"));
    const { text, press } = await open("/me");
    await vi.waitFor(() => {
      expect(text()).toContain("重新登录");
    });
    const before = count(GUEST);
    expect(before).toBe(3);
    on(/\/me$/, ok(me()));
    await press("重新登录");
    expect(count(GUEST)).toBe(4);
    expect(text()).not.toContain("重新登录");
  });

  it("somebody logged in is sent on", async () => {
    const { router } = await open("/login?to=/me", "t");
    expect(router.currentRoute.value.fullPath).toBe("/me");
    expect(count(GUEST)).toBe(0);
  });

  it("nobody is sent to another site", async () => {
    const { router } = await open("/login?to=//evil.example");
    expect(router.currentRoute.value.fullPath).toBe("/");
  });
});

describe("in WeChat", () => {
  it("the log-in leaves for WeChat with the wished page, and is not come back to", async () => {
    const replace = inWeChat();
    const { text } = await open("/enroll/c1?from=qr");
    expect(replace.mock.calls).toEqual([["/api/h5/auth/wechat?return_to=%2Fenroll%2Fc1%3Ffrom%3Dqr"]]);
    expect(text()).toContain("正在登录");
    expect(count(GUEST)).toBe(0);
  });

  it("the callback brings the token and opens the page that the service kept", async () => {
    on(EXCHANGE, ok({ token: "wx", return_to: "/me" }));
    const { router } = await open("/auth/callback?code=c0de&state=st4te");
    expect(sent.find((one) => one.url.includes("auth"))?.body).toEqual({ code: "c0de", state: "st4te" });
    expect(local.get("token")).toBe("wx");
    expect(router.currentRoute.value.fullPath).toBe("/me");
  });

  it("the callback opens pages of ours only", async () => {
    on(EXCHANGE, ok({ token: "wx", return_to: "//evil.example" }));
    const { router } = await open("/auth/callback?code=c0de&state=st4te");
    expect(router.currentRoute.value.fullPath).toBe("/");
  });

  it.each([
    "/auth/callback",
    "/auth/callback?state=s",
    "/auth/callback?code=&state=s",
    "/auth/callback?code=1&code=2&state=s",
  ])(
    "a refusal (%s) is explained, and leads to WeChat again with the page wished before",
    async (address) => {
      const replace = inWeChat();
      const { router, text, press } = await open("/me");
      replace.mockClear();
      await router.push(address);
      await settled();
      expect(text()).toContain("没有得到微信授权");
      await press("重新授权");
      expect(replace.mock.calls).toEqual([["/api/h5/auth/wechat?return_to=%2Fme"]]);
      expect(count(EXCHANGE)).toBe(0);
    },
  );

  it.each([
    ["oauth_state_invalid", "授权已失效，请重新进入"],
    ["oauth_code_invalid", "授权已失效，请重新进入"],
    ["oauth_snapshot_user", "请点击右上角“使用完整服务”后再试"],
  ])("%s is shown in the service's words, and begun anew instead of sent again", async (code, words) => {
    const replace = inWeChat();
    on(EXCHANGE, refusal(409, code, words));
    const { text, press } = await open("/auth/callback?code=c&state=s");
    expect(text()).toContain(words);
    await press("重新授权");
    expect(replace).toHaveBeenCalledTimes(1);
    expect(count(EXCHANGE)).toBe(1);
  });

  it("a callback that is reloaded after the log-in goes on", async () => {
    on(EXCHANGE, refusal(409, "oauth_state_invalid", "授权已失效，请重新进入"));
    const { router } = await open("/auth/callback?code=c&state=s", "t");
    expect(router.currentRoute.value.fullPath).toBe("/");
  });
});

it("maintenance ends by itself at the press of a button", async () => {
  on(/camps/, refusal(503, "unavailable", "服务暂时不可用"));
  const { text, press, router } = await open("/maintenance?to=/camps/c1");
  await press("重试");
  expect(text()).toContain("还没有恢复");
  on(/camps\?/, ok(rows([])));
  on(/camps\/c1/, ok(camp()));
  await press("重试");
  expect(router.currentRoute.value.fullPath).toBe("/camps/c1");
});

it("an unknown page leads home", async () => {
  const { text, press, router } = await open("/nowhere");
  expect(text()).toContain("没有找到这个页面");
  await press("返回首页");
  expect(router.currentRoute.value.fullPath).toBe("/");
});
