import { describe, expect, it } from "vitest";

import type { Schemas } from "@/api/client";
import { summaryOf, targetPage } from "@/utils/logRows";

const log: Schemas["LogOut"] = {
  id: "1",
  seq: 7,
  created_at: "2026-03-01T10:00:00+08:00",
  actor_kind: "staff",
  actor_id: "9",
  actor_name: "lin",
  actor_text: "lin",
  action: "camp.update",
  action_text: "编辑训练营",
  target_type: "camp",
  target_text: "训练营",
  target_id: "5",
  target_name: "写作营",
  camp_id: "5",
  before: null,
  after: null,
  changes: [],
  note: null,
  error: null,
  ip: null,
  user_agent: null,
  request_id: null,
};
const change = (field: string, before: string | null = "甲", after: string | null = "乙") => ({
  field,
  before,
  after,
});

describe("a row in short", () => {
  it("tells the first changes, and how many there are", () => {
    const changes = ["名称", "押金", "人数上限", "海报"].map((field) => change(field));
    expect(summaryOf({ ...log, changes })).toBe("名称：甲 → 乙；押金：甲 → 乙；人数上限：甲 → 乙；等 4 项");
  });

  it("tells what is new without what was before, failures first, notes last", () => {
    expect(summaryOf({ ...log, changes: [change("行数", null, "3")], note: "补录", error: "超时" })).toBe(
      "超时；行数：3；补录",
    );
    expect(summaryOf(log)).toBe("—");
  });
});

describe("the way to the target", () => {
  it.each<[Partial<Schemas["LogOut"]>, unknown]>([
    [{}, { name: "camp", params: { id: "5" } }],
    [{ target_type: "member" }, { name: "member", params: { id: "5" } }],
    [
      { target_type: "staff", target_name: "lin" },
      { name: "users", query: { q: "lin" } },
    ],
    [
      { target_type: "refund", target_name: "R1" },
      { name: "refunds", query: { q: "R1" } },
    ],
    [{ target_type: "sync_run" }, { name: "sync-logs", query: { camp_id: "5" } }],
    [{ target_id: null }, null],
    [{ target_type: "job" }, null],
  ])("%o", (part, page) => {
    expect(targetPage({ ...log, ...part })).toEqual(page);
  });
});
