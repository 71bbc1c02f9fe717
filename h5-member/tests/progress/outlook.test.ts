import { describe, expect, it } from "vitest";

import type { Schemas } from "@/api/client";
import { outlook, promiseOf } from "@/utils/outlook";

import { PRO_RATA } from "../support/rules";
import { calendar, progress, refund } from "./factory";

type Given = Parameters<typeof progress>[0];

const before = {
  camp: { status: "enrolling" },
  standing: "not_started",
  days: 0,
  days_left: 10,
  next_days: 7,
  today: "2026-02-26",
  calendar: calendar("ffffffffff"),
} as const;
/** Nothing more can come: the camp's last day is over. */
const over = {
  camp: { status: "ended" },
  days_left: 0,
  today: "2026-03-11",
  now_fen: null,
  next_days: null,
  next_fen: null,
  most_fen: null,
  calendar: calendar("ccmcmmmmmm"),
} as const;
const archived = { ...over, camp: { status: "archived" } } as const;
const lost = {
  standing: "out_of_reach",
  days: 1,
  next_days: null,
  next_fen: null,
  most_fen: 0,
  calendar: calendar("cmmmmtffff"),
} as const;
const earned = {
  standing: "reached",
  days: 8,
  days_left: 2,
  entitled_fen: 9900,
  now_fen: 9900,
  next_days: null,
  next_fen: null,
  calendar: calendar("cccccccctf"),
} as const;
/** ¥100 by days and a fee of ¥20; four of ten earned. */
const byDays = {
  rule: PRO_RATA,
  paid_fen: 12000,
  deposit_fen: 10000,
  days: 4,
  required_days: 10,
  days_left: 6,
  entitled_fen: 4000,
  now_fen: 4000,
  next_days: 1,
  next_fen: 5000,
  most_fen: 10000,
  calendar: calendar("cccctfffff"),
} as const;
const LINE = "打卡 6 天；¥100 × 6/10 → ¥60";
const partly = { ...over, verdict: "partial", entitled_fen: 6000, amount_line: LINE } as const;
const pending = refund({ amount_fen: 6000 });

const TABLE: [tone: string, text: string, given: Given][] = [
  // A refund says more than anything else.
  ["blue", "押金 ¥99 正等待审核，通过后退还", { ...over, verdict: "eligible", refund: refund() }],
  ["blue", "部分退还 ¥60，等待审核", { ...partly, refund: pending }],
  ["orange", "退款正等待审核，金额由工作人员核对后确定", { ...over, refund: pending }],
  [
    "orange",
    "退款正等待审核，金额由工作人员核对后确定",
    { ...over, verdict: "needs_confirmation", refund: pending },
  ],
  [
    "orange",
    "退款正等待审核，按最新打卡记录没有可退金额",
    { ...over, verdict: "not_eligible", refund: refund({ amount_fen: 0 }) },
  ],
  [
    "blue",
    "押金 ¥60 正等待审核，通过后退还",
    { ...over, verdict: "not_eligible", refund: { ...pending, kind: "exception" } },
  ],
  ["blue", "审核已通过，押金 ¥99 即将退还", { refund: refund({ status: "approved" }) }],
  ["blue", "审核已通过，部分押金 ¥60 即将退还", { ...partly, refund: { ...pending, status: "approved" } }],
  ["blue", "押金 ¥99 正在退回您的支付账户", { refund: refund({ status: "sending" }) }],
  ["blue", "押金 ¥99 正在退回您的支付账户", { refund: refund({ status: "processing" }) }],
  ["green", "押金 ¥99 已退还", { ...archived, refund: refund({ status: "succeeded" }) }],
  ["green", "部分押金 ¥60 已退还", { ...partly, refund: { ...pending, status: "succeeded" } }],
  ["orange", "押金 ¥99 退款处理中", { refund: refund({ status: "failed" }) }],
  ["orange", "押金 ¥99 退款处理中", { refund: refund({ status: "closed" }) }],
  [
    "red",
    "退款审核未通过，押金不退还",
    { ...over, refund: refund({ status: "rejected", reject_reason: "存在刷卡" }) },
  ],
  // Before the camp.
  ["blue", "打卡满 7 天，即可退还押金 ¥99", before],
  ["blue", "打卡满 7 天，即可退还押金 ¥99", { ...before, match_status: "unmatched", now_fen: null }],
  [
    "blue",
    "打卡满 4 天可退 ¥40；最多可退 ¥100",
    { ...byDays, ...before, now_fen: 0, next_days: 4, next_fen: 4000 },
  ],
  ["blue", "10 天每天打卡，即可退还押金 ¥99", { ...before, next_days: 10 }],
  [
    "blue",
    "10 天累计打卡满 7 天，全额退还",
    { ...before, now_fen: null, next_days: null, next_fen: null, most_fen: null },
  ],
  // Nobody knows who they are.
  ["red", "没有找到您的星球账号，押金暂时不能退还", { match_status: "closed", confidence: 0 }],
  ["orange", "确认星球身份后，才能计算打卡、退还押金", { match_status: "unmatched", confidence: 0 }],
  ["orange", "确认星球身份后，才能审核退还押金", { ...over, match_status: "conflict", confidence: 0 }],
  ["grey", "未能确认星球身份，没有退款", { ...archived, match_status: "suggested", confidence: 33 }],
  ["grey", "未能确认星球身份，没有退款", { ...archived, match_status: "closed", confidence: 0 }],
  // During the camp: all or nothing.
  ["blue", "打卡满 7 天，即可退还押金 ¥99", { last_complete_sync_at: null, days: 0, next_days: 7 }],
  // Days of a sheet, before any sync.
  ["orange", "再打卡 4 天，即可退还押金 ¥99", { last_complete_sync_at: null }],
  ["blue", "再打卡 4 天，即可退还押金 ¥99", {}],
  ["orange", "再打卡 4 天，即可退还押金 ¥99", { confidence: 66 }],
  ["blue", "剩余 5 天每天打卡，即可退还押金 ¥99", { next_days: 5 }],
  ["blue", "再打卡 1 天，即可退还押金 ¥99", { days_left: 1, next_days: 1 }],
  ["green", "已达标，押金 ¥99 可退还", earned],
  ["orange", "打卡天数已够，工作人员确认后退还押金 ¥99", { ...earned, confidence: 66 }],
  ["orange", "打卡天数已够，工作人员确认后退还押金 ¥99", { ...earned, calendar: calendar("fffffffftf") }],
  ["orange", "最近 1 天的打卡待同步", { next_days: 6, calendar: calendar("cccmftffff") }],
  ["red", "剩余天数已不够，押金不能退还", lost],
  ["orange", "按目前的记录，剩余天数已不够", { ...lost, confidence: 66 }],
  // During the camp: a part for a part.
  ["blue", "现在停下可退 ¥40；再打卡 1 天可退 ¥50；最多可退 ¥100", byDays],
  [
    "blue",
    "现在停下可退 ¥40；再打卡 2 天可退 ¥60；最多可退 ¥100",
    { ...byDays, next_days: 2, next_fen: 6000 },
  ],
  [
    "blue",
    "再打卡 2 天可退 ¥40；最多可退 ¥80",
    { ...byDays, now_fen: 0, next_days: 2, next_fen: 4000, most_fen: 8000 },
  ],
  ["blue", "现在停下可退 ¥90；再打卡 1 天可退 ¥100", { ...byDays, now_fen: 9000, next_fen: 10000 }],
  [
    "orange",
    "现在停下可退 ¥40；再打卡 1 天可退 ¥50；最多可退 ¥90",
    { ...byDays, standing: "out_of_reach", most_fen: 9000 },
  ],
  [
    "orange",
    "可退 ¥90，之后打卡不再增加",
    { ...byDays, standing: "out_of_reach", now_fen: 9000, next_days: null, next_fen: null, most_fen: 9000 },
  ],
  [
    "orange",
    "现在停下可退 ¥40；最近 1 天的打卡待同步",
    { ...byDays, days_left: 0, today: "2026-03-05", calendar: calendar("cccfrrrrrr") },
  ],
  [
    "orange",
    "最多可退 ¥100，待工作人员核对打卡",
    { ...byDays, now_fen: 0, next_days: null, next_fen: null, calendar: calendar("fffftfffff") },
  ],
  ["green", "已达标，押金 ¥100 可退还", { ...byDays, ...earned, deposit_fen: 10000 }],
  [
    "orange",
    "退款规则待工作人员核对，暂时算不出可退金额",
    { now_fen: null, next_days: null, next_fen: null, most_fen: null, required_days: null },
  ],
  // After it.
  ["green", "已达标，押金 ¥99 等待审核退还", { ...over, days: 7, verdict: "eligible", entitled_fen: 9900 }],
  ["blue", "部分退还 ¥60，等待审核", partly],
  ["orange", "打卡记录由工作人员核对后决定是否退还", { ...over, verdict: "needs_confirmation" }],
  ["orange", "营期已结束，打卡数据待最后一次同步", { ...over, days: 6, calendar: calendar("ccccccmmmf") }],
  ["red", "未达标，押金不退还", { ...over, verdict: "not_eligible" }],
  ["red", "未达标，押金不退还", { ...archived, verdict: "not_eligible" }],
  ["grey", "训练营已归档，没有退款记录", { ...archived, verdict: "needs_confirmation" }],
  ["blue", "训练营已取消，押金由工作人员安排退还", { camp: { status: "cancelled" } }],
];

it.each(TABLE)("%s: %s", (tone, text, given) => {
  expect(outlook(progress(given))).toMatchObject({ tone, text });
});

describe("what stands below it", () => {
  const note = (given: Given) => outlook(progress(given)).note;

  it("is the reason of a rejection, and whom to ask", () => {
    const said = (reject_reason: string | null) =>
      note({ refund: refund({ status: "rejected", reject_reason }) });
    expect(said("存在刷卡")).toBe("理由：存在刷卡。如有疑问，请联系工作人员。");
    expect(said("部分打卡不是本人完成。")).toBe("理由：部分打卡不是本人完成。如有疑问，请联系工作人员。");
    expect(said(null)).toBe("如有疑问，请联系工作人员。");
  });

  it("is how the amount comes about, once it is final", () => {
    expect(note(partly)).toBe(`${LINE}。结束后 7 天内完成审核`);
    expect(note({ ...partly, refund: pending })).toBe(`${LINE}。结束后 7 天内完成审核`);
    expect(note({ ...over, verdict: "not_eligible", amount_line: "打卡 3 天；不足 7 天不退 → ¥0" })).toBe(
      "打卡 3 天；不足 7 天不退 → ¥0。如有疑问，请联系工作人员。",
    );
  });

  it("is the deal where the sentence names every day left, since fewer may do", () => {
    expect(note({ next_days: 5 })).toBe("规则：10 天累计打卡满 7 天，全额退还。");
    expect(note({ ...before, next_days: 10 })).toBe("规则：10 天累计打卡满 7 天，全额退还。3月1日开营。");
  });

  it("says that the whole deposit is beyond reach", () => {
    expect(note({ ...byDays, standing: "out_of_reach", most_fen: 9000 })).toBe("押金 ¥100 已不能全退。");
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
    expect(note({ confidence: 66 })).toContain("身份待工作人员确认");
    expect(note({ ...over, verdict: "needs_confirmation", confidence: 66 })).toContain("身份待工作人员确认");
    expect(note({ ...over, verdict: "needs_confirmation" })).toContain("打卡记录待工作人员核对");
    expect(note({ calendar: calendar("ffffftffff") })).toContain("打卡日期还没有读全");
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
  const verdicts: (Schemas["Verdict"] | null)[] = [
    null,
    "eligible",
    "partial",
    "needs_confirmation",
    "not_eligible",
  ];
  const standings: Schemas["Standing"][] = ["not_started", "in_progress", "reached", "out_of_reach"];
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
  const ENTITLED = { eligible: 9900, partial: 4000, needs_confirmation: 9900, not_eligible: 0 };
  const all = camps.flatMap((status) =>
    verdicts.flatMap((verdict) =>
      standings.flatMap((standing) =>
        matches.flatMap((match_status) =>
          refunds.map((state) => {
            const given = progress({
              ...(status === "enrolling" ? before : status === "ongoing" ? {} : over),
              camp: { status },
              verdict,
              standing,
              match_status,
              entitled_fen: verdict === null ? 0 : ENTITLED[verdict],
              confidence: match_status === "matched" ? 100 : 0,
              refund: state === null ? null : refund({ status: state }),
            });
            return { given, status, verdict, standing, match_status, state, shown: outlook(given) };
          }),
        ),
      ),
    ),
  );

  it("says something complete", () => {
    expect(all).toHaveLength(6 * 5 * 4 * 5 * 9);
    for (const { shown } of all) expect(shown.text + String(shown.note)).not.toMatch(/undefined|NaN|^null/);
  });

  it("is green only for money that is back, or days that are beyond doubt", () => {
    for (const { shown, state, verdict, standing, match_status } of all) {
      if (shown.tone !== "green") continue;
      const sure = verdict === "eligible" || (verdict === null && standing === "reached");
      expect(state === "succeeded" || (state === null && sure && match_status === "matched")).toBe(true);
    }
  });

  it("is red only when somebody has decided, or the days are seen to their end and too few", () => {
    for (const { shown, state, verdict, match_status } of all) {
      if (shown.tone !== "red") continue;
      const decided = state === "rejected" || (state === null && match_status === "closed");
      expect(decided || (state === null && verdict === "not_eligible" && match_status === "matched")).toBe(
        true,
      );
    }
  });

  it("lets the refund speak alone once it is decided", () => {
    for (const state of refunds.slice(2)) {
      const said = new Set(
        all.filter((each) => each.state === state).map((each) => each.shown.text.replace("部分押金", "押金")),
      );
      expect(said.size).toBe(1);
    }
  });

  it("names no amount while a person has to find it", () => {
    for (const { shown, state, status, verdict } of all) {
      if (
        status === "enrolling" ||
        verdict !== "needs_confirmation" ||
        (state !== null && state !== "pending_review")
      )
        continue;
      expect(shown.text).not.toContain("¥");
    }
  });

  it("promises a refund to nobody who failed, was never found, or has been told no", () => {
    for (const { given, shown, state, status, verdict, match_status } of all) {
      const isOver = ["ended", "settling", "archived"].includes(status);
      const gone = isOver && (match_status !== "matched" || verdict === "not_eligible");
      if (state === "rejected" || (state === null && (gone || status === "archived"))) {
        expect(promiseOf(given)).toBeNull();
        expect(`${shown.text}${shown.note ?? ""}`).not.toMatch(/结束后 7 天内|即可退还|可退/);
      }
    }
  });
});

describe("promiseOf", () => {
  it.each([
    ["before the camp", before, true],
    ["while days can still be earned", {}, true],
    ["when nothing can come any more", lost, false],
    ["when it will be a part", partly, true],
    ["when a person has to decide", { ...over, verdict: "needs_confirmation" }, false],
  ] as const)("%s", (_, given, expected) => {
    expect(promiseOf(progress(given)) !== null).toBe(expected);
  });
});
