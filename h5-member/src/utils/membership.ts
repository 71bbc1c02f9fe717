/** A place in a camp, in one line. */
import type { Schemas } from "@/api/client";
import { REFUND_STATUS, type Label } from "@/utils/labels";
import { price } from "@shared/money";
import { PHASE } from "@/utils/progress";

type Membership = Pick<
  Schemas["MembershipOut"],
  "camp" | "days" | "required_days" | "verdict" | "match_status" | "refund"
>;

export function membershipLine({
  camp,
  days,
  required_days,
  verdict,
  match_status,
  refund,
}: Membership): Label {
  if (refund !== null) {
    const { text, tone } = REFUND_STATUS[refund.status];
    return { text: `退款 ${price(refund.amount_fen)}：${text}`, tone };
  }
  const tally = `打卡 ${days}/${required_days} 天`;
  const phase = PHASE[camp.status];
  if (phase === "cancelled") return { text: "已取消，押金由工作人员安排退还", tone: "blue" };
  if (match_status === "closed") return { text: "没有找到您的星球账号", tone: "red" };
  if (phase === "before") return { text: "已报名，等待开营", tone: "blue" };
  if (match_status !== "matched") return { text: "星球身份待确认", tone: "orange" };
  if (verdict === "eligible") return { text: `${tally}，已达标`, tone: "green" };
  if (phase === "running") return { text: tally, tone: "blue" };
  return verdict === "not_eligible"
    ? { text: `${tally}，未达标`, tone: "red" }
    : { text: `${tally}，待确认`, tone: "orange" };
}
