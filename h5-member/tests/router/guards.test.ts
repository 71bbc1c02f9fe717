import { flushPromises } from "@vue/test-utils";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createPinia, setActivePinia } from "pinia";
import { createMemoryHistory, createRouter, type RouteRecordRaw } from "vue-router";

import { onRefusedToken } from "@/api/client";
import { routes } from "@/router";
import { failedPage, guard } from "@/router/guards";
import { local, perTab } from "@/utils/storage";

import { fresh, open, settled } from "../support/app";
import { camp, me, rows } from "../support/camps";
import { on, ok, refusal, sent } from "../support/network";

beforeEach(() => {
  fresh();
  on(/camps\?/, ok(rows([camp()])));
  on(/camps\/c1/, ok(camp()));
  on(/\/me$/, ok(me()));
  // A log-in that never ends keeps the page where the guard put it.
  on(/auth/, "later");
});

describe("pages", () => {
  it.each(routes.map((route) => [String(route.name), route] as const))(
    "%s has a Chinese title",
    (_, route) => {
      expect(route.meta?.title).toMatch(/[\u4e00-\u9fff]{2}/);
    },
  );

  it("names only pages that exist as likely next ones", () => {
    const names = routes.map((route) => route.name);
    for (const route of routes) for (const next of route.meta?.next ?? []) expect(names).toContain(next);
  });

  it.each([
    ["/", "camps"],
    ["/camps/c1", "camp"],
    ["/enroll/c1", "enroll"],
    ["/payments/p1", "payment"],
    ["/qrcode/p1", "qrcode"],
    ["/progress/m1", "progress"],
    ["/me", "me"],
    ["/refunds", "refunds"],
    ["/messages", "messages"],
    ["/members/m1/planet", "planet"],
    ["/auth/callback?code=1", "callback"],
    ["/nowhere/at/all", "not-found"],
  ])("%s is %s", (path, name) => {
    const router = createRouter({ history: createMemoryHistory(), routes });
    expect(router.resolve(path).name).toBe(name);
  });
});

describe("who is not logged in", () => {
  it.each([
    "/enroll/c1?from=qr",
    "/payments/p1",
    "/qrcode/p1",
    "/progress/m1",
    "/me",
    "/refunds",
    "/messages",
    "/members/m1/planet",
  ])("logs in before %s", async (path) => {
    const { router } = await open(path);
    expect(router.currentRoute.value.name).toBe("login");
    expect(router.currentRoute.value.query.to).toBe(path);
  });

  it.each(["/", "/camps/c1", "/nowhere", "/maintenance"])("sees %s", async (path) => {
    const { router } = await open(path);
    expect(router.currentRoute.value.fullPath).toBe(path);
    expect(sent.filter((one) => one.url.includes("auth"))).toEqual([]);
  });
});

describe("a token that is refused", () => {
  const expired = refusal(401, "unauthenticated", "登录已失效，请重新进入");

  it("leads from a personal page through the log-in back to it", async () => {
    on(/\/me$/, expired);
    const { router } = await open("/me", "old");
    expect(local.get("token")).toBeNull();
    expect(router.currentRoute.value.fullPath).toBe("/login?to=/me");
  });

  it("is only forgotten on a public page", async () => {
    on(/\/me$/, expired);
    const { router, text } = await open("/", "old");
    expect(local.get("token")).toBeNull();
    expect(router.currentRoute.value.fullPath).toBe("/");
    expect(text()).toContain("早起写作营");
  });
});

describe("a change of page", () => {
  it("sets the title and the focus, but leaves the first page alone", async () => {
    const { router } = await open("/");
    expect(document.title).toBe("训练营");
    expect(document.activeElement).toBe(document.body);
    await router.push("/maintenance");
    await settled();
    expect(document.title).toBe("系统维护中");
    expect(document.activeElement?.tagName).toBe("H1");
    expect(document.activeElement?.textContent).toBe("系统维护中");
  });

  it("leaves the focus where it is when only the query changes", async () => {
    const { router, app } = await open("/");
    const tab = app.find<HTMLButtonElement>("[role=tab]").element;
    tab.focus();
    await router.replace({ query: { status: "ongoing" } });
    await settled();
    expect(document.activeElement).toBe(tab);
  });
});

describe("a page whose code does not arrive", () => {
  const broken: RouteRecordRaw = {
    path: "/broken",
    name: "broken",
    component: () => Promise.reject(new TypeError("Failed to fetch dynamically imported module")),
    meta: { title: "坏了" },
  };

  async function go(path = "/broken") {
    setActivePinia(createPinia());
    onRefusedToken(() => undefined);
    const router = createRouter({
      history: createMemoryHistory(),
      routes: [broken, { ...broken, path: "/:path(.*)*", name: "elsewhere" }],
    });
    guard(router);
    const assign = vi.spyOn(window.location, "assign").mockImplementation(() => undefined);
    await router.push(path).catch(() => undefined);
    await flushPromises();
    return assign;
  }

  it("is asked for afresh once, since a new version may have gone live", async () => {
    const assign = await go();
    expect(assign.mock.calls).toEqual([["/broken"]]);
    expect(failedPage.value).toBeNull();
    const again = await go();
    expect(again).not.toHaveBeenCalledTimes(2);
    expect(failedPage.value).toBe("/broken");
  });

  it("is only said when there is no network", async () => {
    vi.spyOn(navigator, "onLine", "get").mockReturnValue(false);
    const assign = await go();
    expect(assign).not.toHaveBeenCalled();
    expect(failedPage.value).toBe("/broken");
  });

  it("never leads to another host", async () => {
    // vue-router warns of such an address, and goes on.
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const assign = await go("//evil.example/x");
    expect(assign.mock.calls).toEqual([["/"]]);
  });

  it("is offered again on top of the page that is shown", async () => {
    const { text, app } = await open("/");
    failedPage.value = "/me";
    await flushPromises();
    expect(text()).toContain("页面没有加载成功");
    expect(app.find("a.again").attributes("href")).toBe("/me");
  });

  it("may be asked for afresh again after a page that came", async () => {
    perTab.set("reloaded", true);
    await open("/");
    expect(perTab.get("reloaded")).toBeNull();
  });
});
