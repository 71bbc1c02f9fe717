import { describe, expect, it } from "vitest";

import {
  fits,
  fromLine,
  fromRefund,
  groupOf,
  isNothingDue,
  seenOf,
  stageOf,
  sumsBy,
  withRefund,
} from "@/utils/reviewRows";

import { aLine, aRefund, aRow } from "./rows";

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

  it("shows what the refund pays, else what the member is entitled to, beside what is left of the payment", () => {
    const refund = {
      id: "r",
      kind: "camp" as const,
      status: "pending_review" as const,
      amount_fen: 6600,
      succeeded_at: null,
      reject_reason: null,
      settled_offline: false,
    };
    expect(fromLine(aLine({ refund }))).toMatchObject({ amountFen: 6600, leftFen: 9900 });
    expect(fromLine(aLine({ entitled_fen: 6600 })).amountFen).toBe(6600);
    expect(fromLine(aLine({ entitled_fen: 0 }))).toMatchObject({ amountFen: 0, leftFen: 9900 });
    expect(fromLine(aLine({ entitled_fen: 6600, refunded_fen: 9900 }))).toMatchObject({
      amountFen: 0,
      leftFen: 0,
    });
  });

  it("takes over newer evidence, of an extra refund only its sum", () => {
    const row = aRow();
    const fresh = aRefund({ id: row.refundId ?? "", amount_fen: 6600, verdict: "partial", days: 4 });
    expect(withRefund([row], fresh)[0]).toMatchObject({ verdict: "partial", amountFen: 6600, days: 4 });
    const extra = aRefund({ id: row.refundId ?? "", kind: "exception", verdict: null, days: null });
    expect(withRefund([row], extra)[0]).toMatchObject({ verdict: "eligible", days: 7 });
  });

  it("says what the reviewer saw; an extra refund has no verdict", () => {
    expect(seenOf(aRow({ verdict: "partial", amountFen: 1 }))).toEqual({
      expected_verdict: "partial",
      expected_amount_fen: 1,
    });
    expect(seenOf(aRow({ kind: "exception", verdict: "not_eligible" }))).toMatchObject({
      expected_verdict: null,
    });
  });

  it("knows a deposit in review for which nothing is due any more", () => {
    expect(isNothingDue(aRow({ amountFen: 0 }))).toBe(true);
    expect(isNothingDue(aRow({ amountFen: 0, status: "rejected" }))).toBe(false);
    expect(isNothingDue(aRow())).toBe(false);
  });
});
