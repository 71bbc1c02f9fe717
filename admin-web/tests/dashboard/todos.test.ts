import { describe, expect, it } from "vitest";

import type { Schemas } from "@/api/client";
import { todosOf } from "@/utils/todos";

const NOTHING: Schemas["TodoOut"] = {
  refunds_to_review: null,
  refunds_failed: null,
  refund_hold: null,
  members_to_match: null,
  members_to_confirm: null,
  camps_ending: [],
  old_group_qrs: [],
  broken_syncs: null,
  planets_invalid: null,
  open_cases: null,
};

describe("todosOf", () => {
  it("is empty for who has no part in anything, and for counts of zero", () => {
    expect(todosOf(NOTHING)).toEqual([]);
    const zero = { count: 0, sum_fen: 0 };
    expect(
      todosOf({
        ...NOTHING,
        refunds_to_review: zero,
        refunds_failed: zero,
        members_to_match: 0,
        open_cases: 0,
      }),
    ).toEqual([]);
  });

  it("names count and sum, and leads to the filtered list; what failed comes before what waits", () => {
    const found = todosOf({
      ...NOTHING,
      refunds_to_review: { count: 92, sum_fen: 1830800 },
      refunds_failed: { count: 5, sum_fen: 99500 },
      members_to_confirm: 18,
    });
    expect(found.map(({ text, urgent }) => [text, urgent])).toEqual([
      ["5 笔退款失败", true],
      ["92 笔退款待审核", false],
      ["18 名会员的匹配待确认", false],
    ]);
    expect(found[0]?.to).toEqual({ name: "refunds", query: { status: "failed" } });
    expect(found[1]?.note).toBe("¥18,308");
    expect(found[2]?.to).toEqual({ name: "matching", query: { tab: "to_confirm" } });
  });
});
