import type { Schemas } from "@/api/client";

import { threshold } from "./rules";

export function camp(changes: Partial<Schemas["CampOut"]> = {}): Schemas["CampOut"] {
  return {
    id: "c1",
    name: "早起写作营",
    description: "",
    poster_url: null,
    deposit_fen: 9900,
    capacity: 100,
    enrolled: 88,
    places_left: 12,
    enroll_opens_at: "2026-02-20T10:00:00+08:00",
    enroll_closes_at: "2026-02-28T23:59:59+08:00",
    starts_on: "2026-03-01",
    ends_on: "2026-03-21",
    total_days: 21,
    required_days: 15,
    rule: threshold(21, 15),
    status: "enrolling",
    enroll_state: "open",
    refund_promise: "结束后 7 天内完成审核",
    ...changes,
  };
}

export function rows<T>(items: T[], total = items.length) {
  return { items, total, page: 1, page_size: 20 };
}

function mine({
  id,
  name,
  status,
  deposit_fen,
  starts_on,
  ends_on,
}: Schemas["CampOut"]): Schemas["MyCampOut"] {
  return { id, name, status, deposit_fen, starts_on, ends_on };
}

export function membership(of: Schemas["CampOut"]): Schemas["MembershipOut"] {
  return {
    member_id: "m1",
    payment_id: "p1",
    camp: mine(of),
    joined: false,
    paid_fen: 9900,
    paid_at: "2026-02-25T10:00:00+08:00",
    planet_nickname: "小林",
    planet_number_masked: "12***78",
    days: 0,
    required_days: 15,
    standing: "not_started",
    verdict: null,
    entitled_fen: 0,
    match_status: "matched",
    correct_until: null,
    refund: null,
  };
}

export function order(of: Schemas["CampOut"]): Schemas["MyOrderOut"] {
  return {
    payment_id: "p2",
    camp: mine(of),
    channel: "h5",
    status: "pending",
    amount_fen: 8800,
    expires_at: "2026-02-25T10:30:00+08:00",
    seconds_left: 1200,
  };
}

export function me(changes: Partial<Schemas["MeOut"]> = {}): Schemas["MeOut"] {
  return { payer: { wechat: false }, unread: 0, form: null, memberships: [], orders: [], ...changes };
}
