import { describe, expect, it } from "vitest";

import type { Schemas } from "@/api/client";
import { timelineOf } from "@/utils/memberTimeline";

const change = (fields: Partial<Schemas["MatchChangeOut"]>): Schemas["MatchChangeOut"] => ({
  from_state: "unmatched",
  to_state: "matched",
  event: "match",
  actor_name: "系统",
  note: null,
  at: "2026-03-02T01:00:00+08:00",
  ...fields,
});
const act = (fields: Partial<Schemas["MemberActionOut"]>): Schemas["MemberActionOut"] => ({
  action: "member.match",
  actor_name: "周宁",
  before: null,
  after: null,
  note: null,
  at: "2026-03-02T10:00:00+08:00",
  ...fields,
});

describe("timelineOf", () => {
  it("tells an act once, with the values that changed in words", () => {
    const found = timelineOf(
      [change({ actor_name: "周宁", at: "2026-03-02T10:00:00.020+08:00" }), change({})],
      [
        act({
          before: { match_status: "unmatched", confidence: 0, match_method: null, planet_user_id: null },
          after: { match_status: "matched", confidence: 100, match_method: "manual", planet_user_id: "415" },
          note: "群里核对过",
        }),
      ],
    );
    expect(found).toEqual([
      {
        at: "2026-03-02T10:00:00+08:00",
        who: "周宁",
        what: "手动匹配",
        details: [
          "匹配状态：待匹配 → 已匹配",
          "置信度：0 → 100",
          "匹配方式：无 → 人工",
          "星球用户ID：无 → 415",
        ],
        note: "群里核对过",
      },
      {
        at: "2026-03-02T01:00:00+08:00",
        who: "系统",
        what: "匹配结果变化",
        details: ["待匹配 → 已匹配"],
        note: null,
      },
    ]);
  });

  it("keeps a change that a colleague's act on somebody else made", () => {
    const lost = change({ from_state: "matched", to_state: "conflict", actor_name: "周宁" });
    expect(timelineOf([lost], [act({ action: "member.join" })]).map((moment) => moment.what)).toEqual([
      "标记进群",
      "匹配结果变化",
    ]);
  });

  it("shows what it has no words for as it is", () => {
    expect(timelineOf([], [act({ action: "member.future" })])[0]?.what).toBe("member.future");
  });
});
