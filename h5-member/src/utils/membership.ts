/** A place in a camp, in one line. */
import type { Schemas } from "@/api/client";
import { REFUND_STATUS, STANDING, VERDICT, type Label } from "@/utils/labels";
import { tally } from "@/utils/progress";
import { dueOf, NO_REFUND, situationOf, type Due, type Situation } from "@/utils/situation";
import { price } from "@shared/money";

type Membership = Pick<
  Schemas["MembershipOut"],
  "camp" | "days" | "required_days" | "standing" | "verdict" | "entitled_fen" | "match_status" | "refund"
>;

export function membershipLine(membership: Membership): Label {
  return membership.refund === null
    ? LINES[situationOf(membership)](membership)
    : ofRefund(membership.refund, membership.verdict);
}

const LINES: Record<Situation, (membership: Membership) => Label> = {
  cancelled: () => ({ text: "已取消，押金由工作人员安排退还", tone: "blue" }),
  before: () => ({ text: "已报名，等待开营", tone: "blue" }),
  unmatched: () => ({ text: "星球身份待确认", tone: "orange" }),
  not_found: () => ({ text: "没有找到您的星球账号", tone: "red" }),
  running: ofRunning,
  awaiting: (membership) => counted(membership, { text: "待最后一次同步", tone: "orange" }),
  eligible: (membership) => counted(membership, VERDICT.eligible),
  partial: (membership) => {
    const { text, tone } = VERDICT.partial;
    return counted(membership, { text: `${text} ${price(membership.entitled_fen)}`, tone });
  },
  needs_confirmation: (membership) => counted(membership, VERDICT.needs_confirmation),
  not_eligible: (membership) => counted(membership, { text: NO_REFUND.not_eligible, tone: "red" }),
  nobody: () => ({ text: NO_REFUND.nobody, tone: "grey" }),
  archived: () => ({ text: NO_REFUND.archived, tone: "grey" }),
};

function counted(membership: Membership, { text, tone }: Label): Label {
  return { text: `打卡 ${tally(membership)}，${text}`, tone };
}

function ofRunning(membership: Membership): Label {
  const { standing, entitled_fen } = membership;
  if (standing === "reached") return counted(membership, STANDING.reached);
  const { tone } = STANDING[standing];
  // Only grows from here on.
  if (entitled_fen > 0) return counted(membership, { text: `现在停下可退 ${price(entitled_fen)}`, tone });
  return standing === "out_of_reach"
    ? counted(membership, STANDING.out_of_reach)
    : { text: `打卡 ${tally(membership)}`, tone };
}

function ofRefund(refund: Schemas["MyRefundOut"], verdict: Membership["verdict"]): Label {
  const { text, tone } = REFUND_STATUS[refund.status];
  if (refund.status === "rejected") return { text: NO_REFUND.rejected, tone };
  const money = price(refund.amount_fen);
  const said: Record<Due, string> = {
    whole: `退款 ${money}`,
    part: `部分退还 ${money}`,
    nothing: "退款",
    open: "退款",
  };
  return { text: `${said[dueOf(refund, verdict)]}：${text}`, tone };
}
