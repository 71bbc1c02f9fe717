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
  /** Of the refund; without one, what is left of the payment. */
  amountFen: number;
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
    amountFen: line.refund?.amount_fen ?? line.paid_fen - line.refunded_fen,
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
  return rows.map((row) =>
    row.refundId === refund.id
      ? { ...row, kind: refund.kind, status: refund.status, amountFen: refund.amount_fen }
      : row,
  );
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

/** What a batch would do, and why the rest of what was chosen stays where it is. */
export interface Plan extends Sum {
  ids: string[];
  leftOut: { text: string; count: number }[];
  /** Rows that nothing but an imported sheet speaks for; null where the rows were never seen here. */
  onImport: number | null;
}

/** Which rows in doubt a batch takes along. */
export interface Admitted {
  /** Nothing but the match is in doubt, and it is at least as sure as this. */
  minConfidence: number;
  /** Rows of a list that rests on an imported sheet, where the sheet says enough. */
  acceptImport: boolean;
}

export const SURE_ONLY: Admitted = { minConfidence: 100, acceptImport: false };

/** A batch takes no more (the service's own limit). */
export const MOST_AT_ONCE = 1000;

/** As the service decides which rows in doubt may pass together (`batch_refusal` in `refunds/rules.py`). */
function approvalRefusal(row: ReviewRow, { minConfidence, acceptImport }: Admitted): string | null {
  if (row.status !== "pending_review") return "不在待审核状态";
  if (row.verdict === "not_eligible") return "判定不符合，请单独审核";
  if (row.verdict !== "needs_confirmation") return null;
  const known = rests(row, "enough_days", ["match_below_100"]) || (acceptImport && restsOnImport(row));
  return known && (row.confidence ?? 0) >= minConfidence ? null : "需要人工确认，请单独审核";
}

function rests(row: ReviewRow, on: string, besides: string[]): boolean {
  const codes = row.reasons.map((reason) => reason.code);
  return codes.includes(on) && codes.every((code) => code === on || besides.includes(code));
}

const restsOnImport = (row: ReviewRow) => rests(row, "import_enough", ["not_counted", "match_below_100"]);

export function planApproval(rows: readonly ReviewRow[], admitted: Admitted): Plan {
  return plan(rows, (row) => approvalRefusal(row, admitted));
}

export function planRejection(rows: readonly ReviewRow[]): Plan {
  return plan(rows, (row) => (row.status === "pending_review" ? null : "不在待审核状态"));
}

function plan(rows: readonly ReviewRow[], refusal: (row: ReviewRow) => string | null): Plan {
  const ids: string[] = [];
  const leftOut = new Map<string, number>();
  let sumFen = 0;
  for (const row of rows) {
    const full = ids.length === MOST_AT_ONCE ? `超出一次 ${MOST_AT_ONCE} 笔的上限，请再处理一次` : null;
    const why = row.refundId === null ? "没有退款单" : (refusal(row) ?? full);
    if (why !== null || row.refundId === null) {
      leftOut.set(why ?? "", (leftOut.get(why ?? "") ?? 0) + 1);
      continue;
    }
    ids.push(row.refundId);
    sumFen += row.amountFen;
  }
  return {
    ids,
    count: ids.length,
    sumFen,
    leftOut: [...leftOut].map(([text, count]) => ({ text, count })),
    onImport: rows.filter(restsOnImport).length,
  };
}
