/** A row that isn't what the reviewer saw: what it was, what it is, and what to do. */
import type { ApiError } from "@shared/api";
import { price } from "@shared/money";

import { VERDICT } from "@/utils/labels";
import type { ReviewRow } from "@/utils/reviewRows";

const isVerdict = (value: unknown): value is keyof typeof VERDICT =>
  typeof value === "string" && value in VERDICT;

export const NOTHING_DUE = "按最新打卡记录没有可退金额：请拒绝；确需退款，拒绝后再申请特殊退款。";

/** What the service says of a row that changed; empty for any other refusal. */
export function newsIn({ code, data }: Pick<ApiError, "code" | "data">, row: ReviewRow): string {
  if (code === "refund_nothing_due") return NOTHING_DUE;
  if (code !== "stale_evidence") return "";
  const now = describe(data?.verdict, Number(data?.amount_fen ?? 0), data?.days);
  const before = describe(row.verdict, row.amountFen, row.days);
  return `打卡或匹配数据刚刚更新。您看到的是 ${before}，现在是 ${now}。请核对后再审核。`;
}

function describe(verdict: unknown, fen: number, days: unknown): string {
  const parts = [isVerdict(verdict) ? `「${VERDICT[verdict].text}」` : "", price(fen)];
  if (typeof days === "number") parts.push(`打卡 ${days} 天`);
  return parts.filter((part) => part !== "").join(" ");
}
