import type { Schemas } from "@/api/client";

import { threshold } from "../support/rules";

type Progress = Schemas["ProgressOut"];
type DayState = Schemas["DayState"];

const LETTERS: Record<string, DayState> = {
  c: "checked",
  m: "missed",
  t: "today",
  f: "future",
  g: "coach",
  l: "leave",
  r: "rest",
};

/** "ccmtff" → six days from 1 March 2026 on: checked, checked, missed, today, future, future. */
export function calendar(letters: string, from = "2026-03-01"): Progress["calendar"] {
  const first = Date.parse(from);
  return Array.from(letters, (letter, index) => ({
    day: new Date(first + index * 86_400_000).toISOString().slice(0, 10),
    state: LETTERS[letter] ?? "future",
  }));
}

export function refund(changes: Partial<Schemas["MyRefundOut"]> = {}): Schemas["MyRefundOut"] {
  return {
    id: "0190a000-0000-7000-8000-000000000009",
    kind: "camp",
    status: "pending_review",
    amount_fen: 9900,
    created_at: "2026-03-11T02:00:00+08:00",
    reviewed_at: null,
    succeeded_at: null,
    reject_reason: null,
    settled_offline: false,
    ...changes,
  };
}

export const camp: Schemas["MyCampOut"] = {
  id: "0190a000-0000-7000-8000-000000000001",
  name: "早起写作营",
  status: "ongoing",
  deposit_fen: 9900,
  starts_on: "2026-03-01",
  ends_on: "2026-03-10",
};

type Changes = Partial<Omit<Progress, "camp">> & { camp?: Partial<Progress["camp"]> };

/** Sixth of ten days, three of seven earned, today still open. */
export function progress({ camp: campChanges, ...changes }: Changes = {}): Progress {
  return {
    member_id: "0190a000-0000-7000-8000-000000000002",
    payment_id: "0190a000-0000-7000-8000-000000000003",
    camp: { ...camp, ...campChanges },
    joined: true,
    paid_fen: 9900,
    paid_at: "2026-02-25T09:30:00+08:00",
    planet_nickname: "小林",
    planet_number_masked: "12***78",
    planet_user_name: "小林",
    days: 3,
    required_days: 7,
    today: "2026-03-06",
    total_days: 10,
    days_left: 5,
    reachable: true,
    standing: "in_progress",
    verdict: null,
    entitled_fen: 0,
    now_fen: 0,
    next_days: 4,
    next_fen: 9900,
    most_fen: 9900,
    amount_line: "打卡 3 天；若之后不再打卡：未满足「累计打卡满 7 天」 → ¥0",
    deposit_fen: 9900,
    rule: threshold(10, 7),
    calendar: calendar("ccmcmtffff"),
    posts: [],
    match_status: "matched",
    confidence: 100,
    correct_until: null,
    refund: null,
    refund_promise: "结束后 7 天内完成审核",
    last_complete_sync_at: "2026-03-06T01:03:00+08:00",
    ...changes,
  };
}
