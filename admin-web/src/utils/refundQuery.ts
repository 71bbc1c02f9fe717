/** What lists of refunds can be filtered by, as it stands in the address and as the service asks for it. */
import type { paths } from "@/api/schema.gen";
import { isDay } from "@/utils/days";
import { MATCH_METHOD, REFUND_KIND, REFUND_STATUS, VERDICT } from "@/utils/labels";

export const REFUND_FILTERS = [
  "camp_id",
  "status",
  "kind",
  "verdict",
  "confidence",
  "match_method",
  "from",
  "to",
  "reviewer",
  "q",
] as const;
/** Those of refunds that wait for review. */
export const REVIEW_FILTERS = ["camp_id", "verdict", "kind", "confidence", "match_method", "q"] as const;
/** Those of all refunds. */
export const RECORD_FILTERS = ["camp_id", "status", "kind", "from", "to", "reviewer", "q"] as const;
/** What waits for a retry or for 标记已处理. */
export const FAILED = "failed,closed";
export type RefundFilter = (typeof REFUND_FILTERS)[number];

type Query = NonNullable<paths["/api/admin/refunds/ids"]["get"]["parameters"]["query"]>;

const among = <K extends string>(labels: Record<K, unknown>, text: string): text is K => text in labels;

/** What an old or mistyped address says and nothing can be is left out. */
export function refundQuery(filters: Partial<Record<RefundFilter, string>>): Query {
  const { kind = "", verdict = "", match_method = "", confidence = "", from = "", to = "" } = filters;
  const statuses = (filters.status ?? "").split(",").filter((status) => status in REFUND_STATUS);
  const query: Query = {};
  if (filters.camp_id) query.camp_id = filters.camp_id;
  if (statuses.length > 0) query.status = statuses.join(",");
  if (among(REFUND_KIND, kind)) query.kind = kind;
  if (among(VERDICT, verdict)) query.verdict = verdict;
  if (among(MATCH_METHOD, match_method)) query.match_method = match_method;
  if (/^(100|\d{1,2})$/.test(confidence)) query.confidence = Number(confidence);
  if (isDay(from)) query.from = from;
  if (isDay(to)) query.to = to;
  if (filters.reviewer) query.reviewer = filters.reviewer;
  if (filters.q) query.q = filters.q;
  return query;
}
