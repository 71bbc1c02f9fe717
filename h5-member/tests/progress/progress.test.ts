import { describe, expect, it } from "vitest";

import { elapsedDays, gapOf, shownDays, standing } from "@/utils/progress";

import { calendar, progress } from "./factory";

describe("elapsedDays", () => {
  it.each([
    ["before the camp", { calendar: calendar("ffffffffff"), days_left: 10 }, 0],
    ["on the first day", { calendar: calendar("tfffffffff"), days_left: 10 }, 1],
    ["with today still open", { calendar: calendar("ccmcmtffff"), days_left: 5 }, 6],
    ["with today earned", { calendar: calendar("ccmcmcffff"), days_left: 4 }, 6],
    ["on the last day", { calendar: calendar("ccccccccct"), days_left: 1 }, 10],
    ["after the camp", { calendar: calendar("cccccccccm"), days_left: 0 }, 10],
  ])("%s", (_, given, expected) => {
    expect(elapsedDays(progress(given))).toBe(expected);
  });
});

describe("shownDays", () => {
  const states = (given: Parameters<typeof progress>[0]) =>
    shownDays(progress(given)).map((day) => day.state);

  it("tells days that wait for the next sync from those to come", () => {
    expect(states({ calendar: calendar("ccffftffff"), days_left: 5 })).toEqual([
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
  });

  it("marks today also once it is earned, but no day of a camp that is over", () => {
    const earned = { calendar: calendar("ccmcmcffff"), days_left: 4 };
    expect(shownDays(progress(earned)).findIndex((day) => day.isToday)).toBe(5);
    const over = { calendar: calendar("cccccccccc"), days_left: 0, camp: { status: "ended" } } as const;
    expect(shownDays(progress(over)).some((day) => day.isToday)).toBe(false);
  });
});

describe("gapOf", () => {
  it.each([
    ["can be earned", { days: 3, days_left: 5, reachable: true }, { missing: 4, reachable: "yes" }],
    ["has been earned", { days: 9, days_left: 0, reachable: true }, { missing: 0, reachable: "yes" }],
    [
      "can't be earned any more",
      { days: 1, days_left: 5, reachable: false },
      { missing: 6, reachable: "no" },
    ],
    [
      "hangs on yesterday, which isn't counted yet",
      { days: 1, days_left: 5, reachable: false, calendar: calendar("cmmmftffff") },
      { missing: 6, reachable: "maybe" },
    ],
    [
      "is more than what isn't counted yet",
      { days: 0, days_left: 5, reachable: false, calendar: calendar("mmmmftffff") },
      { missing: 7, reachable: "no" },
    ],
  ])("%s", (_, given, expected) => {
    expect(gapOf(progress(given))).toMatchObject(expected);
  });
});

describe("standing", () => {
  it.each([
    ["已达标", { verdict: "eligible", days: 8 }],
    ["未开始", { camp: { status: "enrolling" }, days: 0, days_left: 10, calendar: calendar("ffffffffff") }],
    ["待确认", { match_status: "conflict", verdict: "needs_confirmation" }],
    ["待确认", { verdict: "needs_confirmation", days: 8 }],
    ["进行中", {}],
    ["待同步", { reachable: false, days: 1, calendar: calendar("cmmmftffff") }],
    ["待确认", { reachable: false, days: 0, verdict: "needs_confirmation" }],
    ["未达标", { reachable: false, days: 0 }],
    [
      "未达标",
      { camp: { status: "ended" }, reachable: false, days_left: 0, calendar: calendar("ccmcmmmmmm") },
    ],
    [
      "待同步",
      {
        camp: { status: "ended" },
        reachable: false,
        days_left: 0,
        days: 6,
        calendar: calendar("ccccccmmmf"),
      },
    ],
  ] as const)("%s", (expected, given) => {
    expect(standing(progress(given)).text).toBe(expected);
  });
});
