/** What a person sends off for many refunds at once. Which rows pass is the service's decision, row by row. */
import type { Schemas } from "@/api/client";
import { seenOf, type ReviewRow, type Sum } from "@/utils/reviewRows";

/** `rows` are sent as they were seen; `count` and `sumFen` are those of them that nothing stands against. */
export interface Plan extends Sum {
  rows: Schemas["SeenRowIn"][];
  leftOut: { text: string; count: number }[];
  /** An imported sheet speaks for some of the rows; null where their reasons were never seen here. */
  hasImport: boolean | null;
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

type Seen = Schemas["SeenRowIn"];

const sumFenOf = (rows: readonly Seen[]) =>
  rows.reduce((sum, row) => sum + (row.expected_amount_fen ?? 0), 0);
/** A whole or a part of a deposit, or an extra refund: no person has to look at it by itself. */
const isPlain = (row: Seen) =>
  (row.expected_verdict === null ||
    row.expected_verdict === "eligible" ||
    row.expected_verdict === "partial") &&
  (row.expected_amount_fen ?? 0) > 0;

/** Rows as they were seen; `sure`: of an approval only those count that need no look of their own. */
export function planOf(
  seen: readonly Seen[],
  { sure, hasImport }: { sure: boolean; hasImport: boolean | null },
): Plan {
  const rows = seen.slice(0, MOST_AT_ONCE);
  const passing = sure ? rows.filter(isPlain) : rows;
  const leftOut = [
    { text: "需要逐笔审核（需人工确认，或没有可退金额）", count: rows.length - passing.length },
    { text: `超出一次 ${MOST_AT_ONCE} 笔的上限，请再处理一次`, count: seen.length - rows.length },
  ];
  return {
    rows,
    count: passing.length,
    sumFen: sumFenOf(passing),
    leftOut: leftOut.filter((one) => one.count > 0),
    hasImport,
  };
}

function planRows(rows: readonly ReviewRow[], sure: boolean): Plan {
  const waiting = rows.filter((row) => row.status === "pending_review");
  const seen = waiting.flatMap((row) =>
    row.refundId === null ? [] : [{ id: row.refundId, ...seenOf(row) }],
  );
  const hasImport = waiting.some((row) => row.reasons.some((reason) => reason.code === "import_enough"));
  const plan = planOf(seen, { sure, hasImport });
  const others = { text: "不在待审核状态", count: rows.length - waiting.length };
  return others.count === 0 ? plan : { ...plan, leftOut: [...plan.leftOut, others] };
}

export const planApproval = (rows: readonly ReviewRow[]): Plan => planRows(rows, true);
export const planRejection = (rows: readonly ReviewRow[]): Plan => planRows(rows, false);
