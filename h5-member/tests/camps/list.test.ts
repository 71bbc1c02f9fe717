import { beforeEach, describe, expect, it, vi } from "vitest";

import { local } from "@/utils/storage";

import { fresh, open, settled } from "../support/app";
import { camp, me, membership, rows } from "../support/camps";
import { PRO_RATA } from "../support/rules";
import { count, ok, on, refusal, release } from "../support/network";

const ENROLLING = /status=enrolling/;
const ONGOING = /status=ongoing/;

beforeEach(() => {
  fresh();
  on(ENROLLING, ok(rows([camp()])));
  on(ONGOING, ok(rows([camp({ id: "c9", name: "进行中的营", status: "ongoing", enroll_state: "closed" })])));
  on(/\/me$/, ok(me()));
});

describe("the list", () => {
  it("shows a camp with what decides", async () => {
    const { text, app } = await open("/");
    for (const part of [
      "早起写作营",
      "2026年3月1日 – 3月21日",
      "21 天累计打卡满 15 天，全额退还",
      "88/100",
      "¥99",
      "报名中",
    ]) {
      expect(text()).toContain(part);
    }
    expect(app.find("a.whole").attributes("href")).toBe("/camps/c1");
    expect(app.findAll("h1")).toHaveLength(1);
    expect(app.findAll("main")).toHaveLength(1);
  });

  it("tells the fee from the deposit", async () => {
    on(ENROLLING, ok(rows([camp({ deposit_fen: 12000, rule: PRO_RATA })])));
    expect((await open("/")).text()).toContain("押金 ¥100服务费 ¥20");
  });

  it("asks nothing about a person who isn't logged in", async () => {
    await open("/");
    expect(count(/\/me$/)).toBe(0);
  });

  it("says when enrolment opens", async () => {
    const opens = { enroll_state: "not_open", enroll_opens_at: "2026-02-27T10:00:00+08:00" } as const;
    on(ENROLLING, ok(rows([camp(opens)])));
    expect((await open("/")).text()).toContain("2月27日 10:00 开始报名");
  });

  it("leads members to their progress", async () => {
    on(/\/me$/, ok(me({ memberships: [membership(camp())] })));
    const { app, text } = await open("/", "t");
    expect(text()).toContain("已报名");
    expect(app.find("a.progress").attributes("href")).toBe("/progress/m1");
  });

  it("shows shapes while it loads, and words when there is nothing", async () => {
    on(ENROLLING, "later");
    const { app, text } = await open("/");
    expect(app.find("[role=status][aria-label=加载中]").exists()).toBe(true);
    on(ENROLLING, ok(rows([])));
    release();
    await settled();
    expect(text()).toContain("暂无可报名的训练营");
    expect(app.find("[aria-label=加载中]").exists()).toBe(false);
  });

  it("shows a broken poster by a letter", async () => {
    on(ENROLLING, ok(rows([camp({ poster_url: "/media/x.png" })])));
    const { app } = await open("/");
    await app.find("img").trigger("error");
    expect(app.find("img").exists()).toBe(false);
    expect(app.find(".letter").text()).toBe("早");
  });
});

describe("tabs", () => {
  it("stand in the address, and each is read when it is opened first", async () => {
    const { press, router, text } = await open("/");
    expect(count(ONGOING)).toBe(0);
    await press("进行中");
    expect(router.currentRoute.value.fullPath).toBe("/?status=ongoing");
    expect(text()).toContain("进行中的营");
    await press("报名中");
    expect(router.currentRoute.value.fullPath).toBe("/");
    expect(text()).toContain("早起写作营");
    expect([count(ENROLLING), count(ONGOING)]).toEqual([1, 1]);
  });

  it("are found again from the address", async () => {
    const { app, text } = await open("/?status=ongoing");
    expect(text()).toContain("进行中的营");
    expect(app.find("[role=tab][aria-selected=true]").text()).toBe("进行中");
    expect(count(ENROLLING)).toBe(0);
  });

  it("say of each that it is empty", async () => {
    on(ONGOING, ok(rows([])));
    expect((await open("/?status=ongoing")).text()).toContain("暂无进行中的训练营");
  });
});

describe("without the service", () => {
  it("offers to try again, and shows the id of the request", async () => {
    on(ENROLLING, refusal(500, "internal_error", "服务异常，请稍后再试"));
    const { text, press } = await open("/");
    expect(text()).toContain("服务异常，请稍后再试");
    expect(text()).toContain("r2");
    on(ENROLLING, ok(rows([camp()])));
    await press("重试");
    expect(text()).toContain("早起写作营");
  });

  it("shows what was seen last, and says so", async () => {
    const first = await open("/");
    first.app.unmount();
    on(ENROLLING, "offline");
    const { text, press } = await open("/");
    expect(text()).toContain("网络不通，以下是上次看到的内容");
    expect(text()).toContain("早起写作营");
    on(ENROLLING, ok(rows([camp({ name: "新的营" })])));
    await press("重新加载");
    expect(text()).not.toContain("网络不通");
    expect(text()).toContain("新的营");
  });

  it.each([
    null,
    7,
    "x",
    [],
    { enrolling: "x" },
    { enrolling: [null, { id: 1 }] },
    { ongoing: [camp()] },
    { enrolling: [{ ...camp(), rule: undefined }] },
  ])("is not misled by what an older version kept: %j", async (kept) => {
    local.set("camps", kept);
    on(ENROLLING, "offline");
    expect((await open("/")).text()).toContain("网络连接失败，请检查网络后重试");
  });

  it("points to the notice of maintenance when the service is away", async () => {
    on(ENROLLING, { status: 503, body: "<html>" });
    const { press, router } = await open("/");
    await press("系统可能正在维护");
    expect(router.currentRoute.value.fullPath).toBe("/maintenance?to=/");
  });
});

describe("further pages", () => {
  const many = Array.from({ length: 20 }, (_, index) => camp({ id: `c${index}`, name: `营${index}` }));

  it("are appended, and a failure keeps what is there", async () => {
    on(/page=1/, ok(rows(many, 21)));
    on(/page=2/, "offline");
    const { app, text } = await open("/");
    await settled();
    expect(text()).toContain("没有加载成功，点这里重试");
    expect(text()).not.toContain("以下是");
    on(/page=2/, ok(rows([camp({ id: "c20", name: "最后的营" })], 21)));
    await app.find(".van-list__error-text").trigger("click");
    await settled();
    expect(text()).toContain("最后的营");
    expect(app.findAll("article")).toHaveLength(21);
  });
});

describe("coming back", () => {
  it("finds the list as it was, then fresh", async () => {
    const { router, text } = await open("/");
    await router.push("/maintenance");
    await settled();
    on(ENROLLING, "later");
    await router.back();
    await vi.waitFor(() => {
      expect(count(ENROLLING)).toBe(2);
    });
    expect(text()).toContain("早起写作营");
    on(ENROLLING, ok(rows([camp({ enrolled: 89 })])));
    release();
    await settled();
    expect(text()).toContain("89/100");
  });
});

it("shows a dot for unread messages", async () => {
  on(/\/me$/, ok(me({ unread: 2 })));
  const { app } = await open("/", "t");
  expect(app.find("nav").text()).toContain("有未读消息");
});
