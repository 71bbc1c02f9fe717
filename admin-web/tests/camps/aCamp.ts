import type { Camp } from "@/utils/campFields";

/** A complete draft. */
export function aCamp(part: Partial<Camp> = {}): Camp {
  return {
    id: "c1",
    name: "早起营",
    description: "<p>每天<b>六点</b></p>",
    status: "draft",
    deposit_fen: 19950,
    capacity: 200,
    enroll_opens_at: "2026-03-01T09:00:00+08:00",
    enroll_closes_at: null,
    starts_on: "2026-03-10",
    ends_on: "2026-03-31",
    total_days: 22,
    required_days: 15,
    planet_id: "p1",
    checkin_id: "123",
    poster_key: null,
    poster_url: null,
    group_qr_key: "group_qr/a.png",
    group_qr_url: "/media/a.png",
    group_qr_uploaded_at: null,
    coaches: [{ id: "u1", display_name: "李教练" }],
    volunteers: [],
    enrolled: 0,
    pending_orders: 0,
    places_left: 200,
    paid_fen: 0,
    last_complete_sync_at: null,
    personal_data_cleared_at: null,
    published_at: null,
    created_at: "2026-03-01T09:00:00+08:00",
    ...part,
  };
}
