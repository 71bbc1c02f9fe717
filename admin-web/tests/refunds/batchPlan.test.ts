import { describe, expect, it } from "vitest";

import { MOST_AT_ONCE, planApproval, planOf, planRejection } from "@/utils/batchPlan";

import { aRow, because } from "./rows";

describe("planApproval", () => {
  it("sends all that waits as it was seen, and counts what nothing stands against", () => {
    const sure = aRow();
    const part = aRow({ verdict: "partial", amountFen: 6600 });
    const extra = aRow({ kind: "duplicate", verdict: null, reasons: [], confidence: null });
    const doubtful = aRow({ verdict: "needs_confirmation", reasons: because("sources_disagree") });
    const nothing = aRow({ verdict: "not_eligible", amountFen: 0 });
    const plan = planApproval([
      sure,
      part,
      extra,
      doubtful,
      nothing,
      aRow({ status: "approved" }),
      aRow({ refundId: null, status: null }),
    ]);
    expect(plan).toMatchObject({ count: 3, sumFen: 26400, hasImport: false });
    expect(plan.rows.map((row) => row.id)).toEqual(
      [sure, part, extra, doubtful, nothing].map((row) => row.refundId),
    );
    expect(plan.rows[1]).toEqual({
      id: part.refundId,
      expected_verdict: "partial",
      expected_amount_fen: 6600,
    });
    expect(plan.leftOut).toEqual([
      { text: "需要逐笔审核（需人工确认，或没有可退金额）", count: 2 },
      { text: "不在待审核状态", count: 2 },
    ]);
  });

  it("offers the word of a sheet where one speaks", () => {
    const row = aRow({ verdict: "needs_confirmation", reasons: because("not_counted", "import_enough") });
    expect(planApproval([row])).toMatchObject({ count: 0, hasImport: true });
    expect(planOf([], { sure: true, hasImport: null }).hasImport).toBeNull();
  });

  it("takes no more than the service does", () => {
    const plan = planApproval(Array.from({ length: MOST_AT_ONCE + 2 }, () => aRow({ amountFen: 1 })));
    expect(plan).toMatchObject({ count: MOST_AT_ONCE, sumFen: MOST_AT_ONCE });
    expect(plan.leftOut[0]?.count).toBe(2);
  });
});

it("rejects whatever waits for review, whatever its verdict", () => {
  const rows = [
    aRow({ verdict: "needs_confirmation", reasons: because("days_short") }),
    aRow({ verdict: "not_eligible", amountFen: 0 }),
    aRow({ status: "failed" }),
  ];
  expect(planRejection(rows)).toMatchObject({ count: 2, sumFen: 9900 });
});
