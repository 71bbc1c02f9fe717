import { describe, expect, it } from "vitest";

import type { Schemas } from "@/api/client";
import { elapsedDays, lacksDates, shownDays, STATES, tally, uncountedDays } from "@/utils/progress";
import { DAY_STATE } from "@/utils/labels";
import { standingLabel } from "@/utils/standing";

import { calendar, progress, refund } from "./factory";

describe("elapsedDays", () => {
  it.each([
    ["before the camp", "2026-02-27", 0],
    ["on the first day", "2026-03-01", 1],
    ["in the middle", "2026-03-06", 6],
    ["on the last day", "2026-03-10", 10],
    ["after the camp", "2026-03-12", 10],
  ])("%s", (_, today, expected) => {
    expect(elapsedDays(progress({ today }))).toBe(expected);
  });

  it("doesn't hang on how many days can still be earned, which leave out rest days and granted ones", () => {
    expect(elapsedDays(progress({ calendar: calendar("ccrmctrrff"), days_left: 3 }))).toBe(6);
  });
});

describe("shownDays", () => {
  const states = (given: Parameters<typeof progress>[0]) =>
    shownDays(progress(given)).map((day) => day.state);

  it("tells days that wait for the next sync from those to come", () => {
    expect(states({ calendar: calendar("ccffftffff") })).toEqual([
      "checked",
      "checked",
      "uncounted",
      "uncounted",
      "uncounted",
      "today",
      "future",
      "future",
      "future",
      "future",
    ]);
    expect(uncountedDays(progress({ calendar: calendar("ccffftffff") }))).toBe(3);
  });

  it.each(["ccmcmcffff", "ccmcmrffff", "ccmcmgffff", "ccmcmtffff"])(
    "marks today whatever its state (%s)",
    (letters) => {
      const shown = shownDays(progress({ calendar: calendar(letters) }));
      expect(shown.filter((day) => day.isToday).map((day) => day.day)).toEqual(["2026-03-06"]);
    },
  );

  it("marks no day of a camp that is over", () => {
    expect(shownDays(progress({ today: "2026-03-11" })).some((day) => day.isToday)).toBe(false);
  });
});

it.each([
  ["every day has its post", "ccmcmtffff", 3, false],
  ["a granted day counts with them", "ccmgmtffff", 3, false],
  ["the ranking says more than the dates", "ffffftffff", 3, true],
  ["some dates are missing", "cgffftffff", 3, true],
  ["there is none to know of", "mmmmmtffff", 0, false],
])("lacksDates: %s", (_, letters, days, expected) => {
  expect(lacksDates(progress({ calendar: calendar(letters), days }))).toBe(expected);
});

it("counts days against those that are asked for, if a number is", () => {
  expect(tally({ days: 3, required_days: 7 })).toBe("3/7 天");
  expect(tally({ days: 3, required_days: null })).toBe("3 天");
});

it("has a place in the legend for each state of a day", () => {
  expect([...STATES].sort()).toEqual([...Object.keys(DAY_STATE), "uncounted"].sort());
});

describe("standingLabel", () => {
  const ended = { camp: { status: "ended" } } as const;
  const archived = { camp: { status: "archived" } } as const;

  it.each([
    ["未开始", "grey", { camp: { status: "enrolling" }, standing: "not_started" }],
    ["进行中", "blue", {}],
    ["已达标", "green", { standing: "reached" }],
    ["已无法达标", "orange", { standing: "out_of_reach" }],
    ["待确认", "orange", { match_status: "conflict" }],
    ["无法匹配", "red", { match_status: "closed" }],
    ["待同步", "orange", { ...ended, standing: "out_of_reach" }],
    ["已达标", "green", { ...ended, verdict: "eligible" }],
    ["部分退还", "blue", { ...ended, verdict: "partial" }],
    ["待确认", "orange", { ...ended, verdict: "needs_confirmation" }],
    ["未达标", "red", { ...ended, verdict: "not_eligible" }],
    ["未达标", "red", { ...archived, verdict: "not_eligible" }],
    ["没有退款", "grey", { ...archived, verdict: "needs_confirmation" }],
    ["没有退款", "grey", { ...archived, match_status: "unmatched" }],
    ["已达标", "green", { ...archived, verdict: "eligible", refund: refund({ status: "succeeded" }) }],
    ["未通过", "red", { ...ended, verdict: "eligible", refund: refund({ status: "rejected" }) }],
    ["已取消", "grey", { camp: { status: "cancelled" } }],
  ] as const)("%s (%s)", (text, tone, given) => {
    expect(standingLabel(progress(given))).toEqual({ text, tone });
  });

  it("has no word of a verdict while there is none", () => {
    const standings: Schemas["Standing"][] = ["not_started", "in_progress", "reached", "out_of_reach"];
    for (const standing of standings) {
      expect(standingLabel(progress({ standing })).text).not.toMatch(/^(未达标|部分退还|待确认)$/);
    }
  });
});
