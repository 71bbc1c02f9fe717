/** The rows that people review: members of a camp being settled, and refunds from any list, in one shape. */
import type { Schemas } from "@/api/client";
import type { Label } from "@/utils/labels";

type Line = Schemas["LineOut"];
type Refund = Schemas["RefundOut"];
type Reason = Schemas["ReasonOut"];

export interface ReviewRow {
  /** The payment's id for a member's deposit, the refund's own for an extra one. */
  key: string;
  refundId: string | null;
  memberId: string | null;
  paymentId: string;
  name: string;
  number: string;
  wechat: string;
  kind: Schemas["RefundKind"] | null;
  status: Schemas["RefundStatus"] | null;
  /** 应退: what the refund pays as things stand; without one, what the member is entitled to. */
  amountFen: number;
  /** What is left of the payment, whatever the member is entitled to; null where only the refund is known. */
  leftFen: number | null;
  /** How the amount comes about, in one line. */
  amountLine: string;
  days: number | null;
  required: number | null;
  daysRanking: number | null;
  daysPosts: number | null;
  /** By a sheet that staff imported; null where none tells of this person. */
  daysImport: number | null;
  verdict: Schemas["Verdict"] | null;
  reasons: Reason[];
  matched: boolean;
  confidence: number | null;
}

/** How far a deposit is on its way back. */
export type Stage = "review" | "moving" | "failed" | "paid" | "rejected" | "none";
export const STAGES: Record<Stage, string> = {
  review: "待审核",
  moving: "退款中",
  failed: "退款失败",
  paid: "已退款",
  rejected: "已拒绝",
  none: "未列入",
};

const STAGE_OF: Record<Schemas["RefundStatus"], Stage> = {
  pending_review: "review",
  approved: "moving",
  sending: "moving",
  processing: "moving",
  succeeded: "paid",
  failed: "failed",
  closed: "failed",
  rejected: "rejected",
};

export const stageOf = (row: ReviewRow): Stage => (row.status === null ? "none" : STAGE_OF[row.status]);

/** What the evidence says: the verdict, with people nobody could identify and extra refunds apart. */
export type Group = Schemas["Verdict"] | "unmatched" | "extra";
export const GROUPS: Record<Group, Label> = {
  eligible: { text: "符合", type: "success" },
  partial: { text: "部分退还", type: "primary" },
  needs_confirmation: { text: "需人工确认", type: "warning" },
  not_eligible: { text: "不符合", type: "danger" },
  unmatched: { text: "未匹配", type: "warning" },
  extra: { text: "特殊退款", type: "info" },
};

export function groupOf(row: ReviewRow): Group {
  if (row.verdict === null) return "extra";
  return row.matched ? row.verdict : "unmatched";
}

export function fromLine(line: Line): ReviewRow {
  return {
    key: line.payment_id,
    refundId: line.refund?.id ?? null,
    memberId: line.member_id,
    paymentId: line.payment_id,
    name: line.planet_nickname,
    number: line.planet_number,
    wechat: line.wechat_nickname,
    kind: line.refund?.kind ?? null,
    status: line.refund?.status ?? null,
    amountFen: line.refund?.amount_fen ?? Math.max(0, line.entitled_fen - line.refunded_fen),
    leftFen: line.paid_fen - line.refunded_fen,
    amountLine: line.amount_line,
    days: line.days,
    required: line.required_days,
    daysRanking: line.days_ranking,
    daysPosts: line.days_posts,
    daysImport: line.days_import,
    verdict: line.verdict,
    reasons: line.reasons,
    matched: line.match_status === "matched",
    confidence: line.confidence,
  };
}

/** A refund by itself; it was made for a match, so only its confidence tells of doubts. */
export function fromRefund(refund: Refund): ReviewRow {
  return {
    key: refund.id,
    refundId: refund.id,
    memberId: refund.member_id,
    paymentId: refund.payment_id,
    name: refund.planet_nickname,
    number: refund.planet_number,
    wechat: refund.wechat_nickname,
    kind: refund.kind,
    status: refund.status,
    amountFen: refund.amount_fen,
    leftFen: null,
    amountLine: refund.amount_line,
    days: refund.days,
    required: refund.required_days,
    daysRanking: refund.days_ranking,
    daysPosts: refund.days_posts,
    daysImport: refund.days_import,
    verdict: refund.verdict,
    reasons: refund.verdict_reasons,
    matched: true,
    confidence: refund.confidence,
  };
}

/** The rows with the newest word about one refund. */
export function withRefund(rows: readonly ReviewRow[], refund: Refund): ReviewRow[] {
  return rows.map((row) => (row.refundId === refund.id ? { ...row, ...wordAbout(refund) } : row));
}

/** An extra refund has no evidence of its own: the member's stays. */
function wordAbout(refund: Refund): Partial<ReviewRow> {
  const { kind, status, amountFen, ...fresh } = fromRefund(refund);
  const { amountLine, days, required, daysRanking, daysPosts, daysImport, verdict, reasons } = fresh;
  const evidence = { amountLine, days, required, daysRanking, daysPosts, daysImport, verdict, reasons };
  return { kind, status, amountFen, ...(verdict === null ? {} : evidence) };
}

/** A deposit in review for which nothing is due any more. */
export const isNothingDue = (row: Pick<ReviewRow, "kind" | "status" | "amountFen">): boolean =>
  row.kind === "camp" && row.status === "pending_review" && row.amountFen <= 0;

/** What the reviewer saw of a row; an extra refund has no verdict. */
export function seenOf(row: ReviewRow): Omit<Schemas["SeenRowIn"], "id"> {
  return {
    expected_verdict: row.kind === "camp" ? row.verdict : null,
    expected_amount_fen: row.amountFen,
  };
}

/** Names and numbers that contain what was typed, whatever the case; a number also as a whole. */
export function fits(row: ReviewRow, q: string): boolean {
  const wanted = q.trim().normalize("NFKC").toLowerCase();
  if (wanted === "") return true;
  return [row.name, row.wechat, row.number].some((text) =>
    text.normalize("NFKC").toLowerCase().includes(wanted),
  );
}

export interface Sum {
  count: number;
  sumFen: number;
}

export function sumOf(rows: readonly ReviewRow[]): Sum {
  return { count: rows.length, sumFen: rows.reduce((sum, row) => sum + row.amountFen, 0) };
}

export function sumsBy<K extends string>(
  rows: readonly ReviewRow[],
  keyOf: (row: ReviewRow) => K,
): Map<K, Sum> {
  const sums = new Map<K, Sum>();
  for (const row of rows) {
    const sum = sums.get(keyOf(row)) ?? { count: 0, sumFen: 0 };
    sums.set(keyOf(row), { count: sum.count + 1, sumFen: sum.sumFen + row.amountFen });
  }
  return sums;
}
