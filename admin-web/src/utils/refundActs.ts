/** What may be done to a row now, by whom. The service decides again. */
import type { Act } from "@/composables/useRefundActs";
import type { Permission } from "@/stores/session";
import { isNothingDue, stageOf, type ReviewRow } from "@/utils/reviewRows";

export const ACT_TEXTS: Record<Act, string> = {
  approve: "通过",
  reject: "拒绝",
  undo: "撤销通过",
  reopen: "重新审核",
  retry: "重试",
  refresh: "刷新状态",
  settleOffline: "标记已处理",
};

export function actsFor(
  row: Pick<ReviewRow, "kind" | "status" | "amountFen">,
  may: (permission: Permission) => boolean,
): Act[] {
  const review = may("refund.review");
  const execute = may("refund.execute");
  if (row.status === "pending_review")
    return review ? (isNothingDue(row) ? ["reject"] : ["approve", "reject"]) : [];
  if (row.status === "approved") return review ? ["undo"] : [];
  if (!execute) return [];
  if (row.status === "processing") return ["refresh"];
  if (row.status === "failed") return ["retry", "settleOffline"];
  if (row.status === "closed") return ["retry"];
  return row.status === "rejected" ? ["reopen"] : [];
}

/** Whether money may be asked for beside the list: nothing of the payment is on its way or given back already. */
export function mayGrant(row: ReviewRow, may: (permission: Permission) => boolean): boolean {
  const stage = stageOf(row);
  return (
    may("refund.execute") && (stage === "none" || stage === "rejected") && (row.leftFen ?? row.amountFen) > 0
  );
}
