/** Stands in for the service, at the border of the client: `vi.mock("@/api/client", withService)`. */
import type { Schemas } from "@/api/client";

import { threshold } from "../support/rules";

interface Wanted {
  path?: Record<string, string>;
  body?: unknown;
}

type Reply = (wanted: Wanted) => unknown;

const replies = new Map<string, Reply>();

/** What was asked, in order: "get /api/h5/me". */
export const asked: string[] = [];
export const bodies: unknown[] = [];

/** `answers` "get /api/h5/me": a value, or a function that returns one or throws. */
export function answers(call: string, reply: unknown): void {
  replies.set(call, typeof reply === "function" ? (reply as Reply) : () => reply);
}

export function count(call: string): number {
  return asked.filter((one) => one === call).length;
}

export function reset(): void {
  replies.clear();
  asked.length = 0;
  bodies.length = 0;
}

async function ask(call: string, wanted: Wanted = {}): Promise<unknown> {
  asked.push(call);
  if (wanted.body !== undefined) bodies.push(wanted.body);
  const reply = replies.get(call);
  if (reply === undefined) throw new Error(`nothing answers ${call}`);
  return await reply(wanted);
}

export async function withService(original: () => Promise<object>): Promise<object> {
  return {
    ...(await original()),
    api: {
      get: (path: string, wanted?: Wanted) => ask(`get ${path}`, wanted),
      post: (path: string, wanted?: Wanted) => ask(`post ${path}`, wanted),
    },
  };
}

export const PAYMENT = "get /api/h5/payments/{payment_id}";
export const PARAMS = "get /api/h5/payments/{payment_id}/params";
export const QRCODE = "get /api/h5/payments/{payment_id}/qrcode";
export const CAMP = "get /api/h5/camps/{camp_id}";
export const ME = "get /api/h5/me";
export const ORDER = "post /api/h5/payments";

export function camp(changes: Partial<Schemas["CampOut"]> = {}): Schemas["CampOut"] {
  return {
    id: "c1",
    name: "早起写作营",
    description: "",
    poster_url: null,
    deposit_fen: 9900,
    capacity: 100,
    enrolled: 10,
    places_left: 90,
    enroll_opens_at: null,
    enroll_closes_at: null,
    starts_on: "2026-03-08",
    ends_on: "2026-03-28",
    total_days: 21,
    required_days: 15,
    rule: threshold(21, 15),
    status: "enrolling",
    enroll_state: "open",
    refund_promise: "结束后 7 天内完成审核",
    ...changes,
  };
}

const myCamp: Schemas["MyCampOut"] = {
  id: "c1",
  name: "早起写作营",
  status: "enrolling",
  deposit_fen: 9900,
  starts_on: "2026-03-08",
  ends_on: "2026-03-28",
};

export function me(changes: Partial<Schemas["MeOut"]> = {}): Schemas["MeOut"] {
  return { payer: { wechat: true }, unread: 0, form: null, memberships: [], orders: [], ...changes };
}

export function openOrder(changes: Partial<Schemas["MyOrderOut"]> = {}): Schemas["MyOrderOut"] {
  return {
    payment_id: "p1",
    camp: myCamp,
    channel: "jsapi",
    status: "pending",
    amount_fen: 8800,
    expires_at: "2026-03-01T10:30:00+08:00",
    seconds_left: 1500,
    ...changes,
  };
}

export const membership: Schemas["MembershipOut"] = {
  member_id: "m1",
  payment_id: "p1",
  camp: myCamp,
  joined: false,
  paid_fen: 9900,
  paid_at: "2026-03-01T10:05:00+08:00",
  planet_nickname: "早起的鸟",
  planet_number_masked: "1***4",
  days: 0,
  required_days: 15,
  standing: "not_started",
  verdict: null,
  entitled_fen: 0,
  match_status: "matched",
  correct_until: null,
  refund: null,
};

export function payment(changes: Partial<Schemas["PaymentOut"]> = {}): Schemas["PaymentOut"] {
  return {
    payment_id: "p1",
    out_trade_no: "P1234567890",
    status: "pending",
    amount_fen: 9900,
    expires_at: "2026-03-01T10:30:00+08:00",
    seconds_left: 1800,
    camp_id: "c1",
    camp_name: "早起写作营",
    channel: "jsapi",
    paid_at: null,
    member_id: null,
    excess: null,
    refund: null,
    ...changes,
  };
}

export function qrcode(changes: Partial<Schemas["QrCodeOut"]> = {}): Schemas["QrCodeOut"] {
  return {
    group_qr_url: "/media/qr?sig=1",
    qr_stale: false,
    contact: null,
    member_id: "m1",
    camp_name: "早起写作营",
    amount_fen: 9900,
    joined: false,
    ...changes,
  };
}

export const BRIDGE_PARAMS: Schemas["JsapiParams"] = {
  appId: "wx1",
  timeStamp: "1",
  nonceStr: "n",
  package: "prepay_id=1",
  signType: "RSA",
  paySign: "s",
};
