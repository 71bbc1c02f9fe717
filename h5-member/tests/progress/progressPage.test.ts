import { beforeEach, describe, expect, it } from "vitest";

import { openPage, type OpenedPage } from "../me/page";
import { fresh, settled } from "../support/app";
import { count, ok, on, refusal, release } from "../support/network";
import { calendar, progress, refund } from "./factory";

const CALL = /^GET .*\/progress\/m1$/;
let opened: OpenedPage;

async function show(given: Parameters<typeof progress>[0] = {}): Promise<void> {
  on(CALL, ok(progress({ member_id: "m1", payment_id: "p1", ...given })));
  opened = await openPage("/progress/m1");
}

beforeEach(fresh);

describe("loading", () => {
  it("shows grey lines until the answer is there", async () => {
    on(CALL, "later");
    opened = await openPage("/progress/m1");
    expect(opened.app.find('[aria-label="加载中"]').exists()).toBe(true);
    on(CALL, ok(progress()));
    release();
    await settled();
    expect(opened.text()).toContain("再打卡 4 天，即可退还押金 ¥99");
    expect(opened.app.find('[aria-label="加载中"]').exists()).toBe(false);
  });

  it.each([
    [404, "not_found"],
    [422, "validation_error"],
  ])("says no more of a foreign or impossible id than that nothing is there (%s)", async (status, code) => {
    on(CALL, refusal(status, code, "不存在"));
    opened = await openPage("/progress/m1");
    expect(opened.text()).toContain("没有找到这份打卡进度");
    expect(opened.text()).not.toContain("重试");
  });

  it("offers to try again, with the number of the request", async () => {
    on(CALL, refusal(500, "internal_error", "服务出错了"));
    opened = await openPage("/progress/m1");
    expect(opened.text()).toContain("服务出错了");
    expect(opened.text()).toContain("r2");
    on(CALL, ok(progress()));
    await opened.press("重试");
    expect(opened.text()).toContain("再打卡 4 天");
  });

  it("keeps what it shows when an update fails", async () => {
    await show();
    on(CALL, "offline");
    await opened.report("van-pull-refresh", "refresh");
    expect(opened.text()).toContain("没有更新成功，以下是之前的内容");
    expect(opened.text()).toContain("再打卡 4 天");
    on(CALL, ok(progress({ days: 4, next_days: 3, days_left: 5 })));
    await opened.report("van-pull-refresh", "refresh");
    expect(opened.text()).not.toContain("没有更新成功");
    expect(opened.text()).toContain("再打卡 3 天");
    expect(count(CALL)).toBe(3);
  });
});

describe("what it says", () => {
  it("counts the days and says what is possible", async () => {
    await show();
    expect(opened.app.get('[role="img"]').attributes("aria-label")).toBe("已打卡 3 天，全额退还需要 7 天");
    expect(opened.text()).toContain("还差4 天");
    expect(opened.text()).toContain("还可打卡5 天");
    expect(opened.text()).toContain("已进行 6 天共 10 天");
    expect(opened.text()).toContain("上次同步 3月6日 01:03");
  });

  it("names each day of the calendar with its state", async () => {
    await show();
    const names = opened.app.findAll("td .visually-hidden").map((day) => day.text());
    expect(names).toHaveLength(10);
    expect(names.slice(0, 7)).toEqual([
      "3月1日，已打卡",
      "3月2日，已打卡",
      "3月3日，未打卡",
      "3月4日，已打卡",
      "3月5日，未打卡",
      "3月6日，今天",
      "3月7日，未到",
    ]);
  });

  it("tells days that were granted or aren't asked for by a letter, in the legend too", async () => {
    await show({ calendar: calendar("cgrlmtffrr") });
    const names = opened.app.findAll("td .visually-hidden").map((day) => day.text());
    expect(names.slice(0, 4)).toEqual(["3月1日，已打卡", "3月2日，认定", "3月3日，休息日", "3月4日，请假"]);
    expect(opened.app.findAll("td .mark").map((mark) => mark.text())).toEqual(["认", "休", "假", "休", "休"]);
    expect(opened.app.findAll(".legend li").map((item) => item.text())).toEqual([
      "已打卡",
      "认认定",
      "假请假",
      "休休息日",
      "未打卡",
      "今天",
    ]);
  });

  it("draws no share of a number of days that nobody knows", async () => {
    await show({ required_days: null });
    expect(opened.app.get('[role="img"]').attributes("aria-label")).toBe("已打卡 3 天");
    expect(opened.app.find("circle.arc").exists()).toBe(false);
  });

  it("begins with the month of today and leads to the others", async () => {
    await show({ calendar: calendar("ccmcmtffff", "2026-02-25"), today: "2026-03-02" });
    const caption = () => opened.app.get("caption").text();
    expect(caption()).toBe("2026年3月");
    await opened.app.get('[aria-label="上个月"]').trigger("click");
    expect(caption()).toBe("2026年2月");
    expect(opened.app.findAll("td .visually-hidden")).toHaveLength(4);
    expect(opened.app.get('[aria-label="上个月"]').attributes("disabled")).toBeDefined();
  });

  it("says so when the days have a number but no dates", async () => {
    await show({ calendar: calendar("ffffftffff") });
    expect(opened.text()).toContain("天数以排行榜为准");
  });

  it("shows long lists of posts piece by piece", async () => {
    const posts = Array.from({ length: 9 }, (_, index) => ({
      day: `2026-03-0${9 - index}`,
      posted_at: `2026-03-0${9 - index}T06:30:00+08:00`,
      excerpt: `第${9 - index}天`,
    }));
    await show({ posts });
    expect(opened.text()).toContain("3月9日 周一 06:30第9天");
    expect(opened.text()).not.toContain("第2天");
    await opened.press("展开更多（还有 2 天）");
    expect(opened.text()).toContain("第1天");
    expect(opened.text()).not.toContain("展开更多");
  });

  it("waits for the first sync", async () => {
    await show({ last_complete_sync_at: null, days: 0, calendar: calendar("ffffftffff") });
    expect(opened.text()).toContain("每日 01:00 更新 · 待同步");
  });
});

describe("where it leads", () => {
  it("is the group while the camp has one", async () => {
    await show({ joined: false });
    expect(opened.links()).toContain("/qrcode/p1");
    expect(opened.text()).toContain("还没进群？");
    fresh();
    await show({ camp: { status: "ended" }, days_left: 0 });
    expect(opened.links()).not.toContain("/qrcode/p1");
  });

  it("is the correction for as long as it is possible", async () => {
    const unknown = { match_status: "unmatched", confidence: 0, planet_user_name: null } as const;
    await show({ ...unknown, correct_until: "2026-03-04T09:30:00+08:00" });
    expect(opened.links()).toContain("/members/m1/planet");
    expect(opened.text()).toContain("3月4日 09:30 前可修改");
    expect(opened.text()).toContain("暂未找到");
    fresh();
    await show(unknown);
    expect(opened.links()).not.toContain("/members/m1/planet");
  });

  it("says that staff must still confirm a match by name", async () => {
    await show({ confidence: 66 });
    expect(opened.text()).toContain("待工作人员确认");
  });
});

describe("the refund", () => {
  const reviewed = { reviewed_at: "2026-03-12T10:00:00+08:00" };
  const back = { ...reviewed, succeeded_at: "2026-03-12T10:05:00+08:00" };

  it.each([
    ["生成退款单 已完成|待审核 进行中|退款中 未到|退回原支付账户 未到", { status: "pending_review" }],
    [
      "生成退款单 已完成|审核已通过 已完成|退款中 进行中|退回原支付账户 未到",
      { status: "approved", ...reviewed },
    ],
    [
      "生成退款单 已完成|审核已通过 已完成|退款中 进行中|退回原支付账户 未到",
      { status: "sending", ...reviewed },
    ],
    [
      "生成退款单 已完成|审核已通过 已完成|退款中 进行中|退回原支付账户 未到",
      { status: "processing", ...reviewed },
    ],
    [
      "生成退款单 已完成|审核已通过 已完成|处理中 进行中|退回原支付账户 未到",
      { status: "failed", ...reviewed },
    ],
    [
      "生成退款单 已完成|审核已通过 已完成|处理中 进行中|退回原支付账户 未到",
      { status: "closed", ...reviewed },
    ],
    [
      "生成退款单 已完成|审核已通过 已完成|已发起退款 已完成|已退回原支付账户 已完成",
      { status: "succeeded", ...back },
    ],
    [
      "生成退款单 已完成|审核已通过 已完成|已由工作人员线下退还 已完成",
      { status: "succeeded", ...back, settled_offline: true },
    ],
    ["生成退款单 已完成|审核未通过 已终止", { status: "rejected", ...reviewed, reject_reason: "存在刷卡" }],
  ] as const)("%s", async (steps, changes) => {
    await show({ refund: refund(changes) });
    const shown = opened.app
      .findAll('ol[aria-label="退款进度"] .text')
      .map((step) => step.text().replace(/（(.+)）/, " $1"));
    expect(shown.join("|")).toBe(steps);
  });

  it("carries dates, and the reason of a refusal", async () => {
    await show({ refund: refund({ status: "rejected", ...reviewed, reject_reason: "存在刷卡" }) });
    expect(opened.text()).toContain("2026年3月11日 02:00");
    expect(opened.text()).toContain("2026年3月12日 10:00");
    expect(opened.text()).toContain("理由：存在刷卡");
  });

  it("says what is promised while there is none", async () => {
    await show();
    expect(opened.text()).toContain("按规则退还，无需申请：结束后 7 天内完成审核");
  });

  it("promises nothing to who failed", async () => {
    await show({ camp: { status: "archived" }, verdict: "not_eligible", days_left: 0 });
    expect(opened.text()).toContain("未达标，押金不退还");
    expect(opened.text()).not.toContain("结束后 7 天内");
  });

  it("says how a part comes about, and what of the payment was no deposit", async () => {
    await show({
      camp: { status: "settling" },
      verdict: "partial",
      entitled_fen: 6000,
      paid_fen: 12000,
      deposit_fen: 10000,
      amount_line: "打卡 6 天；¥100 × 6/10 → ¥60",
      refund: refund({ amount_fen: 6000 }),
    });
    expect(opened.text()).toContain("部分退还 ¥60，等待审核");
    expect(opened.text()).toContain("打卡 6 天；¥100 × 6/10 → ¥60");
    expect(opened.text()).toContain("支付 ¥120，其中服务费 ¥20（开营后不退）");
    expect(opened.text()).toContain("金额以审核结果为准");
    expect(opened.text().match(/× 6\/10/g)).toHaveLength(1);
  });

  it("says how a part came about once it is decided, but not beside a refusal", async () => {
    const part = { verdict: "partial", amount_line: "¥100 × 6/10 → ¥60" } as const;
    await show({ ...part, camp: { status: "settling" }, refund: refund({ status: "succeeded" }) });
    expect(opened.text()).toContain("¥100 × 6/10 → ¥60");
    fresh();
    await show({ ...part, camp: { status: "settling" }, refund: refund({ status: "rejected" }) });
    expect(opened.text()).not.toContain("¥100 × 6/10 → ¥60");
  });

  it("keeps the deal that was paid for within reach", async () => {
    await show();
    expect(opened.app.get("details").text()).toContain("10 天累计打卡满 7 天，全额退还");
  });
});
