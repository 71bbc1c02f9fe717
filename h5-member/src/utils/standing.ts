/** Where the member stands, in one word; words of a verdict only once there is one. */
import type { Schemas } from "@/api/client";
import { CAMP_STATUS, MATCH_STATUS, REFUND_STATUS, STANDING, VERDICT, type Label } from "@/utils/labels";
import { situationOf, type Situation } from "@/utils/situation";

type Membership = Pick<Schemas["MembershipOut"], "camp" | "match_status" | "standing" | "verdict" | "refund">;

const NOTHING_BACK: Label = { text: "没有退款", tone: "grey" };

const WORDS: Record<Exclude<Situation, "running">, Label> = {
  cancelled: CAMP_STATUS.cancelled,
  before: STANDING.not_started,
  unmatched: MATCH_STATUS.suggested,
  not_found: MATCH_STATUS.closed,
  awaiting: { text: "待同步", tone: "orange" },
  ...VERDICT,
  nobody: NOTHING_BACK,
  archived: NOTHING_BACK,
};

export function standingLabel(membership: Membership): Label {
  // 已达标 beside a refusal would read as a contradiction.
  if (membership.refund?.status === "rejected") return REFUND_STATUS.rejected;
  // In the archive the refund speaks, and the verdict is how it came about.
  const { refund, verdict, match_status } = membership;
  if (refund !== null && verdict !== null && match_status === "matched") return VERDICT[verdict];
  const situation = situationOf(membership);
  return situation === "running" ? STANDING[membership.standing] : WORDS[situation];
}
