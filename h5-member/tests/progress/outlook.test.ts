import { describe, expect, it } from "vitest";

import type { Schemas } from "@/api/client";
import { outlook } from "@/utils/outlook";

import { calendar, progress, refund } from "./factory";

type Given = Parameters<typeof progress>[0];

const before = {
  camp: { status: "enrolling" },
  days: 0,
  days_left: 10,
  calendar: calendar("ffffffffff"),
} as const;
const over = {
  camp: { status: "ended" },
  days_left: 0,
  reachable: false,
  calendar: calendar("ccmcmmmmmm"),
} as const;
const archived = { ...over, camp: { status: "archived" } } as const;
const lost = { days: 1, reachable: false, calendar: calendar("cmmmmtffff") };
const earned = { days: 8, days_left: 2, reachable: true, calendar: calendar("cccccccctf") };

const TABLE: [tone: string, text: string, given: Given][] = [
  // A refund says more than anything else.
  ["blue", "押金 ¥99 正等待审核，通过后退还", { ...over, refund: refund() }],
  ["blue", "审核已通过，押金 ¥99 即将退还", { refund: refund({ status: "approved" }) }],
  ["blue", "押金 ¥99 正在退回您的支付账户", { refund: refund({ status: "sending" }) }],
  ["blue", "押金 ¥99 正在退回您的支付账户", { refund: refund({ status: "processing" }) }],
  ["green", "押金 ¥99 已退还", { ...archived, refund: refund({ status: "succeeded" }) }],
  ["orange", "押金 ¥99 退款处理中", { refund: refund({ status: "failed" }) }],
  ["orange", "押金 ¥99 退款处理中", { refund: refund({ status: "closed" }) }],
  [
    "red",
    "退款审核未通过，押金不退还",
    { ...over, refund: refund({ status: "rejected", reject_reason: "存在刷卡" }) },
  ],
  // Before the camp.
  ["blue", "打卡满 7 天，即可退还押金 ¥99", before],
  ["blue", "打卡满 7 天，即可退还押金 ¥99", { ...before, match_status: "unmatched", confidence: 0 }],
  // Nobody knows who they are.
  ["red", "没有找到您的星球账号，押金暂时不能退还", { match_status: "closed", confidence: 0 }],
  ["orange", "确认星球身份后，才能计算打卡、退还押金", { match_status: "unmatched", confidence: 0 }],
  ["orange", "确认星球身份后，才能审核退还押金", { ...over, match_status: "conflict", confidence: 0 }],
  [
    "grey",
    "训练营已结束，未能确认星球身份，没有退款",
    { ...archived, match_status: "suggested", confidence: 33 },
  ],
  // During the camp.
  [
    "blue",
    "打卡满 7 天，即可退还押金 ¥99",
    { last_complete_sync_at: null, verdict: "needs_confirmation", days: 0 },
  ],
  ["blue", "再打卡 4 天，即可退还押金 ¥99", {}],
  ["green", "已达标，押金 ¥99 可退还", { ...earned, verdict: "eligible" }],
  [
    "orange",
    "打卡天数已够，工作人员确认后退还押金 ¥99",
    { ...earned, verdict: "needs_confirmation", confidence: 66 },
  ],
  ["orange", "还差 6 天，最近 1 天的打卡待同步", { ...lost, calendar: calendar("cmmmftffff") }],
  ["red", "还差 6 天，剩余天数已不够，押金不能退还", lost],
  ["orange", "还差 6 天，剩余天数已不够", { ...lost, verdict: "needs_confirmation", confidence: 66 }],
  // After it.
  ["green", "已达标，押金 ¥99 等待审核退还", { ...over, days: 7, verdict: "eligible" }],
  ["orange", "打卡天数已够，工作人员确认后退还押金 ¥99", { ...over, days: 7, verdict: "needs_confirmation" }],
  ["orange", "打卡记录由工作人员核对后决定是否退还", { ...over, verdict: "needs_confirmation" }],
  ["orange", "营期已结束，打卡数据待最后一次同步", { ...over, days: 6, calendar: calendar("ccccccmmmf") }],
  ["red", "打卡 3/7 天，未达标，押金不退还", over],
  ["red", "打卡 3/7 天，未达标，押金不退还", archived],
  ["grey", "训练营已归档，没有退款记录", { ...archived, verdict: "needs_confirmation" }],
  ["blue", "训练营已取消，押金由工作人员安排退还", { camp: { status: "cancelled" } }],
];

it.each(TABLE)("%s: %s", (tone, text, given) => {
  expect(outlook(progress(given))).toMatchObject({ tone, text });
});

describe("what stands below it", () => {
  const note = (given: Given) => outlook(progress(given)).note;

  it("is the reason of a rejection", () => {
    expect(note({ refund: refund({ status: "rejected", reject_reason: "存在刷卡" }) })).toBe("存在刷卡");
  });

  it("is when and how the money came back", () => {
    const back = { status: "succeeded", succeeded_at: "2026-03-12T10:05:00+08:00" } as const;
    expect(note({ refund: refund(back) })).toBe("3月12日 10:05 退回原支付账户。");
    expect(note({ refund: refund({ ...back, settled_offline: true }) })).toBe(
      "3月12日 10:05 由工作人员线下退还。",
    );
  });

  it("sends to the correction only while it is possible", () => {
    const unknown = { match_status: "unmatched", confidence: 0 } as const;
    expect(note({ ...unknown, correct_until: "2026-03-08T09:30:00+08:00" })).toContain("核对星球昵称和编号");
    expect(note(unknown)).toBe("工作人员会核对您的身份。");
  });

  it("says what is in doubt", () => {
    expect(note({ verdict: "needs_confirmation", confidence: 66 })).toContain("身份待工作人员确认");
    expect(note({ verdict: "needs_confirmation" })).toContain("打卡记录待工作人员核对");
    expect(note({})).toBeNull();
  });
});

describe("in every combination", () => {
  const camps: Schemas["CampStatus"][] = [
    "enrolling",
    "ongoing",
    "ended",
    "settling",
    "archived",
    "cancelled",
  ];
  const verdicts: Schemas["Verdict"][] = ["eligible", "needs_confirmation", "not_eligible"];
  const matches: Schemas["MatchStatus"][] = ["unmatched", "suggested", "matched", "conflict", "closed"];
  const refunds: (Schemas["RefundStatus"] | null)[] = [
    null,
    "pending_review",
    "approved",
    "sending",
    "processing",
    "succeeded",
    "failed",
    "rejected",
    "closed",
  ];
  const all = camps.flatMap((status) =>
    verdicts.flatMap((verdict) =>
      matches.flatMap((match_status) =>
        refunds.map((state) => {
          const given = progress({
            ...(status === "enrolling" ? before : status === "ongoing" ? {} : over),
            camp: { status },
            verdict,
            match_status,
            days: verdict === "eligible" ? 7 : 3,
            confidence: match_status === "matched" ? 100 : 0,
            refund: state === null ? null : refund({ status: state }),
          });
          return { status, verdict, match_status, state, shown: outlook(given) };
        }),
      ),
    ),
  );

  it("says something complete", () => {
    expect(all).toHaveLength(6 * 3 * 5 * 9);
    for (const { shown } of all) expect(shown.text + String(shown.note)).not.toMatch(/undefined|NaN|^null/);
  });

  it("is green only for money that is back, or days that are beyond doubt", () => {
    for (const { shown, state, verdict, match_status } of all) {
      if (shown.tone !== "green") continue;
      expect(
        state === "succeeded" || (state === null && verdict === "eligible" && match_status === "matched"),
      ).toBe(true);
    }
  });

  it("is red only when somebody has decided, or all days are counted and too few", () => {
    for (const { shown, state, verdict, match_status } of all) {
      if (shown.tone !== "red") continue;
      const decided = state === "rejected" || (state === null && match_status === "closed");
      expect(decided || (state === null && verdict === "not_eligible" && match_status === "matched")).toBe(
        true,
      );
    }
  });

  it("lets the refund speak alone once there is one", () => {
    for (const state of refunds.slice(1)) {
      const said = new Set(all.filter((each) => each.state === state).map((each) => each.shown.text));
      expect(said.size).toBe(1);
    }
  });
});
