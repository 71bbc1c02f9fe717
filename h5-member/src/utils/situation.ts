/**
 * Where a member stands, in the order in which one thing outweighs another. The progress page and 我的 both ask here:
 * with an order of their own one would go on hoping where the other says that nothing comes back.
 */
import type { Schemas } from "@/api/client";
import { PHASE } from "@/utils/progress";

type Membership = Schemas["MembershipOut"];

export type Situation =
  | "cancelled"
  | "before"
  /** Not found on the planet yet. */
  | "unmatched"
  /** Staff have given up looking. */
  | "not_found"
  | "running"
  /** Over, and its end was not seen by a complete sync yet. */
  | "awaiting"
  | Schemas["Verdict"]
  /** Archived, and never found on the planet. */
  | "nobody"
  /** Archived without a refund, though not for want of days. */
  | "archived";

export function situationOf({
  camp,
  match_status,
  verdict,
}: Pick<Membership, "camp" | "match_status" | "verdict">): Situation {
  const phase = PHASE[camp.status];
  if (phase === "cancelled") return "cancelled";
  const isMatched = match_status === "matched";
  if (phase === "archived") {
    if (!isMatched) return "nobody";
    return verdict === "not_eligible" ? verdict : "archived";
  }
  if (match_status === "closed") return "not_found";
  if (phase === "before") return "before";
  if (!isMatched) return "unmatched";
  return verdict ?? (phase === "running" ? "running" : "awaiting");
}

/** What a refund pays: all, a part, nothing as things stand, or what only a person can tell. */
export type Due = "whole" | "part" | "nothing" | "open";

const BEFORE_REVIEW: Record<Schemas["Verdict"], Due> = {
  eligible: "whole",
  partial: "part",
  // Its amount is the most that any source gives: no promise.
  needs_confirmation: "open",
  not_eligible: "nothing",
};

/** Until the review a refund of a deposit follows the member's days, then it stays what was decided. */
export function dueOf(
  refund: Pick<Schemas["MyRefundOut"], "kind" | "status">,
  verdict: Membership["verdict"],
): Due {
  if (refund.kind !== "camp") return "whole";
  if (refund.status === "pending_review") return verdict === null ? "open" : BEFORE_REVIEW[verdict];
  return verdict === "partial" ? "part" : "whole";
}

/** Said in the same words wherever nothing comes back any more. */
export const NO_REFUND = {
  rejected: "退款审核未通过，押金不退还",
  not_eligible: "未达标，押金不退还",
  nobody: "未能确认星球身份，没有退款",
  archived: "训练营已归档，没有退款记录",
} as const;
