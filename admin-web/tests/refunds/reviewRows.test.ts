import { describe, expect, it } from "vitest";

import {
  fits,
  fromRefund,
  groupOf,
  MOST_AT_ONCE,
  planApproval,
  planRejection,
  stageOf,
  sumsBy,
  SURE_ONLY,
  withRefund,
} from "@/utils/reviewRows";

import { aRefund, aRow, because } from "./rows";

describe("planApproval", () => {
  it("takes what is beyond doubt and extra refunds, and says why the rest stays", () => {
    const sure = aRow();
    const extra = aRow({ kind: "duplicate", verdict: null, reasons: [], confidence: null });
    const plan = planApproval(
      [
        sure,
        extra,
        aRow({ verdict: "needs_confirmation", reasons: because("sources_disagree", "enough_days") }),
        aRow({ verdict: "not_eligible", reasons: because("days_short") }),
        aRow({ status: "approved" }),
        aRow({ refundId: null, status: null }),
      ],
      SURE_ONLY,
    );
    expect(plan).toMatchObject({ ids: [sure.refundId, extra.refundId], count: 2, sumFen: 19800 });
    expect(plan.leftOut).toEqual([
      { text: "需要人工确认，请单独审核", count: 1 },
      { text: "判定不符合，请单独审核", count: 1 },
      { text: "不在待审核状态", count: 1 },
      { text: "没有退款单", count: 1 },
    ]);
  });

  it.each([
    [["match_below_100", "enough_days"], 66, 66, 1],
    [["match_below_100", "enough_days"], 33, 66, 0],
    [["match_below_100", "days_short"], 66, 66, 0],
    [["match_below_100", "posts_incomplete", "enough_days"], 66, 33, 0],
  ])("with %j at %i admits from %i: %i", (codes, confidence, minConfidence, count) => {
    const row = aRow({ verdict: "needs_confirmation", reasons: because(...codes), confidence });
    expect(planApproval([row], { minConfidence, acceptImport: true }).count).toBe(count);
  });

  it("lets a sheet do only when somebody says so, and only where the sheet says enough", () => {
    const rows = [
      aRow({ verdict: "needs_confirmation", reasons: because("not_counted", "import_enough") }),
      aRow({ verdict: "needs_confirmation", reasons: because("not_counted", "import_short") }),
      aRow({ verdict: "needs_confirmation", reasons: because("import_enough", "days_short") }),
    ];
    expect(planApproval(rows, SURE_ONLY)).toMatchObject({ count: 0, onImport: 1 });
    expect(planApproval(rows, { ...SURE_ONLY, acceptImport: true }).count).toBe(1);
  });

  it("takes no more than the service does", () => {
    const plan = planApproval(
      Array.from({ length: MOST_AT_ONCE + 2 }, () => aRow({ amountFen: 1 })),
      SURE_ONLY,
    );
    expect(plan).toMatchObject({ count: MOST_AT_ONCE, sumFen: MOST_AT_ONCE });
    expect(plan.leftOut[0]?.count).toBe(2);
  });
});

it("rejects whatever waits for review, whatever its verdict", () => {
  const rows = [
    aRow({ verdict: "needs_confirmation", reasons: because("days_short") }),
    aRow({ status: "failed" }),
  ];
  expect(planRejection(rows)).toMatchObject({ ids: [rows[0]?.refundId], count: 1 });
});

describe("rows", () => {
  it("keeps people nobody could identify apart from doubtful ones", () => {
    expect(groupOf(aRow({ verdict: "needs_confirmation", matched: false }))).toBe("unmatched");
    expect(groupOf(aRow({ verdict: "needs_confirmation" }))).toBe("needs_confirmation");
    expect(groupOf(fromRefund(aRefund({ kind: "exception", verdict: null })))).toBe("extra");
  });

  it("counts what a provider closed among the failures: a person has to act", () => {
    expect(stageOf(aRow({ status: "closed" }))).toBe("failed");
    expect(stageOf(aRow({ status: null, refundId: null }))).toBe("none");
  });

  it("adds up counts and sums", () => {
    const sums = sumsBy([aRow(), aRow({ amountFen: 100 }), aRow({ status: "failed" })], stageOf);
    expect(sums.get("review")).toEqual({ count: 2, sumFen: 10000 });
    expect(sums.get("failed")).toEqual({ count: 1, sumFen: 9900 });
  });

  it("finds names and numbers in any width and case", () => {
    const row = aRow({ name: "Ａlice", number: "10123" });
    expect(fits(row, " alice ")).toBe(true);
    expect(fits(row, "１０１")).toBe(true);
    expect(fits(row, "bob")).toBe(false);
  });

  it("takes in the newest word about one refund only", () => {
    const rows = [aRow(), aRow()];
    const fresh = aRefund({ id: rows[1]?.refundId ?? "", status: "rejected" });
    expect(withRefund(rows, fresh).map((row) => row.status)).toEqual(["pending_review", "rejected"]);
  });
});
