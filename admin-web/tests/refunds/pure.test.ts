import { describe, expect, it } from "vitest";

import { questionFor } from "@/composables/useReviewDesk";
import { figuresOf, linesOf } from "@/utils/caseDetail";
import { actsFor, mayGrant } from "@/utils/refundActs";
import { refundQuery } from "@/utils/refundQuery";
import { newsIn } from "@/utils/staleRows";
import { isSame } from "@/utils/sameText";
import { scrollToRow, visibleRows } from "@/utils/visibleRows";
import { fenIn } from "@/utils/yuan";

import { aRow } from "./rows";

const everything = () => true;

describe("visibleRows", () => {
  it("draws what is in sight with some around it, and stands in for the rest", () => {
    expect(visibleRows(1000, 50, 5000, 500)).toEqual({ from: 90, to: 120, above: 4500, below: 44000 });
    expect(visibleRows(3, 50, 0, 500)).toEqual({ from: 0, to: 3, above: 0, below: 0 });
    expect(visibleRows(0, 50, 0, 500)).toEqual({ from: 0, to: 0, above: 0, below: 0 });
  });

  it("draws the end of a list that became shorter than the scroll position", () => {
    const slice = visibleRows(5, 50, 5000, 500);
    expect(slice.to).toBe(5);
    expect(slice.from).toBeLessThan(5);
  });

  it("scrolls as little as brings a row into sight", () => {
    expect(scrollToRow(3, 50, 0, 500)).toBe(0);
    expect(scrollToRow(10, 50, 0, 500)).toBe(50);
    expect(scrollToRow(1, 50, 200, 500)).toBe(50);
  });
});

describe("actsFor", () => {
  it.each([
    ["pending_review", ["approve", "reject"]],
    ["approved", ["undo"]],
    ["sending", []],
    ["processing", ["refresh"]],
    ["failed", ["retry", "settleOffline"]],
    ["closed", ["retry"]],
    ["rejected", ["reopen"]],
    ["succeeded", []],
  ] as const)("%s: %j", (status, acts) => {
    expect(actsFor(aRow({ status }), everything)).toEqual(acts);
  });

  it("leaves money that failed to those who may send it", () => {
    const coach = (permission: string) => permission === "refund.review";
    expect(actsFor(aRow({ status: "failed" }), coach)).toEqual([]);
    expect(actsFor(aRow({ status: "processing" }), coach)).toEqual([]);
    expect(actsFor(aRow({ status: "pending_review" }), coach)).toEqual(["approve", "reject"]);
  });

  it("leaves nothing but to reject where nothing is due", () => {
    expect(actsFor(aRow({ amountFen: 0 }), everything)).toEqual(["reject"]);
    expect(actsFor(aRow({ kind: "exception", amountFen: 100 }), everything)).toContain("approve");
  });

  it("offers an extra refund only while nothing of the payment is under way", () => {
    expect(mayGrant(aRow({ status: null, refundId: null }), everything)).toBe(true);
    expect(mayGrant(aRow({ status: "rejected" }), everything)).toBe(true);
    expect(mayGrant(aRow({ status: "failed" }), everything)).toBe(false);
    expect(mayGrant(aRow({ status: null, leftFen: 0 }), everything)).toBe(false);
    // Whatever somebody is entitled to: an extra refund is asked for with a reason.
    expect(mayGrant(aRow({ status: null, amountFen: 0 }), everything)).toBe(true);
  });
});

it("shows before an approval how the amount comes about, and proposes a reason for a rejection", () => {
  expect(questionFor("approve", aRow()).lines[1]).toBe("应退金额：打卡 7 天；满 5 天全退 → ¥99");
  expect(questionFor("approve", aRow()).required).toBe(false);
  expect(questionFor("reject", aRow({ verdict: "not_eligible" })).proposal).toBe("打卡未达标");
  expect(questionFor("reject", aRow({ days: 2, verdict: "partial" })).proposal).toBe("");
});

describe("a row that changed", () => {
  const row = aRow({ amountFen: 9900, days: 7 });

  it("says what was seen and what is now", () => {
    const data = { verdict: "partial", amount_fen: 6600, days: 4 };
    expect(newsIn({ code: "stale_evidence", data }, row)).toBe(
      "打卡或匹配数据刚刚更新。您看到的是 「符合」 ¥99 打卡 7 天，现在是 「部分退还」 ¥66 打卡 4 天。请核对后再审核。",
    );
  });

  it("says what to do where nothing is due", () => {
    expect(newsIn({ code: "refund_nothing_due", data: null }, row)).toContain("请拒绝");
    expect(newsIn({ code: "not_found", data: null }, row)).toBe("");
  });
});

it("reads amounts as people write them, and nothing else", () => {
  expect(["99", "99.5", "¥1,299.00", " 0.01 "].map(fenIn)).toEqual([9900, 9950, 129900, 1]);
  expect(["", "0", "0.00", "-1", "9.999", "1e3", "九十九"].map(fenIn)).toEqual(Array(7).fill(null));
});

it("compares names as the service does", () => {
  expect(isSame(" Ａlice  W ", "alice w")).toBe(true);
  expect(isSame("", "")).toBe(false);
});

describe("refundQuery", () => {
  it("asks with what can be, and leaves nonsense out", () => {
    const address = {
      camp_id: "c",
      status: "failed,nonsense,closed",
      kind: "camp",
      confidence: "66",
      from: "2026-03-01",
    };
    expect(refundQuery({ ...address, verdict: "maybe", to: "tomorrow", q: "" })).toEqual({
      camp_id: "c",
      status: "failed,closed",
      kind: "camp",
      confidence: 66,
      from: "2026-03-01",
    });
    expect(refundQuery({ confidence: "101" })).toEqual({});
  });
});

describe("cases", () => {
  it("sets the two figures side by side, whichever way the evidence names them", () => {
    expect(figuresOf({ bill_fen: 100, our_fen: 90 })).toMatchObject({
      theirs: { fen: 100 },
      ours: { fen: 90 },
    });
    expect(figuresOf({ amount_fen: 100, expected: { amount_fen: 90 } })).toMatchObject({ ours: { fen: 90 } });
    expect(figuresOf({ trade_bill_fen: 5, fund_flow_fen: 6 })).toMatchObject({
      theirs: { name: "资金账单", fen: 6 },
    });
    expect(figuresOf({ status: "SUCCESS", amount_fen: 100 })).toBeNull();
  });

  it("shows every piece of evidence with its name", () => {
    expect(
      linesOf({
        out_trade_no: "P1",
        bill_fen: 9950,
        refund_id: null,
        expected: { mch_id: "1900" },
        new_thing: true,
      }),
    ).toEqual([
      { name: "商户订单号", value: "P1" },
      { name: "账单金额", value: "¥99.50" },
      { name: "我方：商户号", value: "1900" },
      { name: "new_thing", value: "true" },
    ]);
  });
});
