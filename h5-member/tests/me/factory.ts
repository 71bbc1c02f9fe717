import type { Schemas } from "@/api/client";

import { camp, refund } from "../progress/factory";

export function membership(changes: Partial<Schemas["MembershipOut"]> = {}): Schemas["MembershipOut"] {
  return {
    member_id: "m1",
    payment_id: "p1",
    camp,
    joined: true,
    paid_fen: 9900,
    paid_at: "2026-02-25T09:30:00+08:00",
    planet_nickname: "小林",
    planet_number_masked: "12***78",
    days: 3,
    required_days: 7,
    standing: "in_progress",
    verdict: null,
    entitled_fen: 0,
    match_status: "matched",
    correct_until: null,
    refund: null,
    ...changes,
  };
}

export function order(changes: Partial<Schemas["MyOrderOut"]> = {}): Schemas["MyOrderOut"] {
  return {
    payment_id: "p9",
    camp: { ...camp, name: "摄影营", status: "enrolling" },
    channel: "jsapi",
    status: "pending",
    amount_fen: 19900,
    expires_at: "2026-03-06T10:00:00+08:00",
    seconds_left: 1500,
    ...changes,
  };
}

export function me(changes: Partial<Schemas["MeOut"]> = {}): Schemas["MeOut"] {
  return {
    payer: { wechat: true },
    unread: 0,
    form: { planet_nickname: "小林", planet_number: "12345678", wechat_nickname: "林" },
    memberships: [membership()],
    orders: [],
    ...changes,
  };
}

export function refundRow(changes: Partial<Schemas["MyRefundRowOut"]> = {}): Schemas["MyRefundRowOut"] {
  return { ...refund(), camp, member_id: "m1", days: 8, required_days: 7, ...changes };
}

export function message(changes: Partial<Schemas["MessageOut"]> = {}): Schemas["MessageOut"] {
  return {
    id: "n1",
    scene: "payment_success",
    title: "报名成功",
    content: "您已成功报名「早起写作营」",
    camp_id: camp.id,
    member_id: "m1",
    created_at: "2026-02-25T09:30:00+08:00",
    read: true,
    ...changes,
  };
}

export function planet(changes: Partial<Schemas["MyPlanetOut"]> = {}): Schemas["MyPlanetOut"] {
  return {
    member_id: "m1",
    camp,
    planet_nickname: "小林",
    planet_number: "12345678",
    wechat_nickname: "林",
    match_status: "unmatched",
    confidence: 0,
    planet_user_name: null,
    correct_until: "2026-03-04T09:30:00+08:00",
    locked_reason: null,
    ...changes,
  };
}

export function rows<T>(items: T[], total = items.length) {
  return { items, total, page: 1, page_size: 20 };
}
