/** Rows with sane defaults; a test names only what it is about. */
import type { Schemas } from "@/api/client";
import type { ReviewRow } from "@/utils/reviewRows";

let last = 0;

export function aRow(row: Partial<ReviewRow> = {}): ReviewRow {
  last += 1;
  return {
    key: `payment-${last}`,
    refundId: `refund-${last}`,
    memberId: `member-${last}`,
    paymentId: `payment-${last}`,
    name: `学员${last}`,
    number: String(100 + last),
    wechat: `微信${last}`,
    kind: "camp",
    status: "pending_review",
    amountFen: 9900,
    leftFen: 9900,
    amountLine: "打卡 7 天；满 5 天全退 → ¥99",
    days: 7,
    required: 5,
    daysRanking: 7,
    daysPosts: 7,
    daysImport: null,
    verdict: "eligible",
    reasons: [{ code: "enough_days", text: "打卡天数达标" }],
    matched: true,
    confidence: 100,
    ...row,
  };
}

export const because = (...codes: string[]) => codes.map((code) => ({ code, text: code }));

export function aRefund(refund: Partial<Schemas["RefundOut"]> = {}): Schemas["RefundOut"] {
  last += 1;
  return {
    id: `refund-${last}`,
    camp_id: "camp",
    camp_name: "写作营",
    member_id: `member-${last}`,
    payment_id: `payment-${last}`,
    planet_nickname: `学员${last}`,
    planet_number: String(100 + last),
    wechat_nickname: `微信${last}`,
    paid_fen: 9900,
    paid_at: "2026-03-01T10:00:00+08:00",
    kind: "camp",
    status: "pending_review",
    amount_fen: 9900,
    out_refund_no: `R${last}`,
    reason: "",
    verdict: "eligible",
    verdict_reasons: because("enough_days"),
    days: 7,
    days_ranking: 7,
    days_posts: 7,
    days_import: null,
    required_days: 5,
    confidence: 100,
    match_method: "planet_number",
    amount_line: "打卡 7 天；满 5 天全退 → ¥99",
    reviewer_name: null,
    reviewed_at: null,
    review_note: null,
    reject_reason: null,
    attempts: 0,
    manual_retries: 0,
    failure: null,
    provider_refund_id: null,
    sent_at: null,
    succeeded_at: null,
    settled_offline: false,
    offline_note: null,
    replaces_id: null,
    undoable: false,
    created_at: "2026-03-10T02:00:00+08:00",
    ...refund,
  };
}

export function aLine(line: Partial<Schemas["LineOut"]> = {}): Schemas["LineOut"] {
  last += 1;
  return {
    member_id: `member-${last}`,
    payment_id: `payment-${last}`,
    planet_nickname: `学员${last}`,
    planet_number: String(100 + last),
    wechat_nickname: `微信${last}`,
    match_status: "matched",
    confidence: 100,
    match_method: "planet_number",
    days: 7,
    days_ranking: 7,
    days_posts: 7,
    days_import: null,
    required_days: 5,
    standing: "reached",
    verdict: "eligible",
    entitled_fen: 9900,
    reasons: because("enough_days"),
    amount_line: "打卡 7 天；满 5 天全退 → ¥99",
    paid_fen: 9900,
    refunded_fen: 0,
    refund: null,
    ...line,
  };
}
