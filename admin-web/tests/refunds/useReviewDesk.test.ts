import { describe, expect, it, vi } from "vitest";

import { useReviewDesk } from "@/composables/useReviewDesk";

import { aRefund, aRow } from "./rows";
import { useServer } from "./server";
import { within } from "./within";

const server = useServer();
const row = aRow({ verdict: "partial", amountFen: 6600, days: 4 });
const PATH = `/api/admin/refunds/${row.refundId ?? ""}`;

function deskWith() {
  const changed = vi.fn();
  const stale = vi.fn();
  return { changed, stale, desk: within(() => useReviewDesk({ changed, stale })) };
}

describe("useReviewDesk", () => {
  it.each(["approve", "reject"] as const)("sends what was seen with each decision: %s", async (act) => {
    server.on("POST", `${PATH}/${act}`, () => ({ data: aRefund({ id: row.refundId ?? "" }) }));
    const { desk, changed } = deskWith();
    await desk.begin(act, row);
    await desk.submit("看过了");
    expect(server.asked[0]?.body).toEqual({
      expected_verdict: "partial",
      expected_amount_fen: 6600,
      ...(act === "approve" ? { note: "看过了" } : { reason: "看过了" }),
    });
    expect(changed).toHaveBeenCalledOnce();
    expect([desk.asking.value, desk.news.value]).toEqual([null, null]);
  });

  it("asks anew about a row that changed: never with other figures under the same key, and no word is lost", async () => {
    server.on("POST", `${PATH}/approve`, () => ({
      status: 409,
      code: "stale_evidence",
      message: "打卡或匹配数据已更新",
      data: { verdict: "eligible", amount_fen: 9900, days: 5 },
    }));
    const { desk, stale, changed } = deskWith();
    await desk.begin("approve", row);
    await desk.submit("核对过日历");
    expect(stale).toHaveBeenCalledWith(row.refundId);
    expect(desk.asking.value).toBeNull();
    expect(desk.news.value?.text).toContain("现在是 「符合」 ¥99 打卡 5 天");

    await desk.begin("approve", { ...row, verdict: "eligible", amountFen: 9900 });
    expect(desk.question.value?.proposal).toBe("核对过日历");
    server.on("POST", `${PATH}/approve`, () => ({ data: aRefund({ id: row.refundId ?? "" }) }));
    await desk.submit("核对过日历");
    expect(server.asked[1]?.body).toMatchObject({ expected_verdict: "eligible", expected_amount_fen: 9900 });
    expect(changed).toHaveBeenCalledOnce();
    expect(desk.news.value).toBeNull();
  });

  it("says what to do where nothing is due any more", async () => {
    server.on("POST", `${PATH}/approve`, () => ({
      status: 409,
      code: "refund_nothing_due",
      message: "没有可退金额",
    }));
    const { desk, stale } = deskWith();
    await desk.begin("approve", row);
    await desk.submit("");
    expect(stale).toHaveBeenCalledOnce();
    expect(desk.news.value?.text).toContain("请拒绝");
  });
});
