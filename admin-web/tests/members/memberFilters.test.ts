import { expect, it } from "vitest";

import { memberQuery } from "@/utils/memberFilters";

const none = { camp_id: "", match_status: "", confidence: "", verdict: "", joined: "", q: "" };

it("asks for what the address says", () => {
  expect(
    memberQuery({
      camp_id: "c1",
      match_status: "unmatched,conflict",
      confidence: "0",
      standing: "in_progress,out_of_reach",
      verdict: "eligible",
      joined: "false",
      q: "林",
    }),
  ).toEqual({
    camp_id: "c1",
    match_status: "unmatched,conflict",
    confidence: 0,
    standing: "in_progress,out_of_reach",
    verdict: "eligible",
    joined: false,
    q: "林",
  });
  expect(memberQuery(none)).toEqual({});
});

it("leaves out what no member can be, so that an old link still opens", () => {
  expect(
    memberQuery({
      ...none,
      match_status: "bound,matched",
      standing: "done",
      confidence: "hoch",
      verdict: "yes",
      joined: "1",
    }),
  ).toEqual({ match_status: "matched" });
});
