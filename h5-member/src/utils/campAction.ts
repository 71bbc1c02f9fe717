/** What a person can do about a camp right now: the service's states decide, in this order. */
import type { Schemas } from "@/api/client";

export type CampAction =
  /** Has a place. `qr`: the group still exists. */
  | { kind: "member"; memberId: string; paymentId: string; qr: boolean }
  /** Has an order that can still be paid. */
  | { kind: "resume"; paymentId: string; amountFen: number }
  | { kind: "enroll" }
  | { kind: "none"; text: string };

const RUNS: Schemas["CampStatus"][] = ["enrolling", "ongoing"];

export function campAction(
  camp: Pick<Schemas["CampOut"], "status" | "enroll_state">,
  membership: Pick<Schemas["MembershipOut"], "member_id" | "payment_id"> | null,
  order: Pick<Schemas["MyOrderOut"], "payment_id" | "amount_fen"> | null,
): CampAction {
  if (membership) {
    const { member_id: memberId, payment_id: paymentId } = membership;
    return { kind: "member", memberId, paymentId, qr: RUNS.includes(camp.status) };
  }
  if (order) return { kind: "resume", paymentId: order.payment_id, amountFen: order.amount_fen };
  switch (camp.enroll_state) {
    case "open":
      return { kind: "enroll" };
    case "full":
      return { kind: "none", text: "已满员" };
    case "not_open":
      return { kind: "none", text: "报名未开始" };
    case "closed":
      return { kind: "none", text: RUNS.includes(camp.status) ? "报名已结束" : "训练营已结束" };
  }
}
