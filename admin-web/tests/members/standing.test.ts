import { describe, expect, it } from "vitest";

import { excusedDays, isGrantable, isOpenDay } from "@/utils/grants";
import { daysOf, stillToDo } from "@/utils/standing";

const row = {
  standing: "in_progress",
  match_status: "matched",
  days: 3,
  required_days: 5,
  days_left: 4,
} as const;

describe("how a member stands", () => {
  it("says what is still to do only while something is open", () => {
    expect(stillToDo(row)).toBe("还差 2 天，还可打 4 天");
    expect(stillToDo({ ...row, days_left: 0 })).toBe("还差 2 天，等待最后一次同步");
    // A condition on dates may be open although the number is there, and a deal that nobody can read has no number.
    expect(stillToDo({ ...row, days: 5 })).toBe("还可打 4 天");
    expect(stillToDo({ ...row, required_days: null })).toBe("还可打 4 天");
    expect(stillToDo({ ...row, match_status: "unmatched" })).toBe("匹配后才能统计");
    expect(stillToDo({ ...row, standing: "reached" })).toBe("");
    expect(stillToDo({ ...row, standing: "out_of_reach" })).toBe("");
  });

  it("has a dash for what nobody knows", () => {
    expect(daysOf(row)).toBe("3 / 5");
    expect(daysOf({ days: 3, required_days: null })).toBe("3 / —");
    expect(daysOf({ days: null, required_days: 5 })).toBe("—");
  });
});

describe("days that are granted", () => {
  it("are those that nothing speaks for yet, in a camp that has begun and isn't archived", () => {
    const states = ["checked", "missed", "coach", "rest", "today", "future"] as const;
    expect(states.filter((state) => isOpenDay({ day: "2026-03-01", state }))).toEqual([
      "missed",
      "today",
      "future",
    ]);
    expect((["draft", "ongoing", "settling", "archived"] as const).filter(isGrantable)).toEqual([
      "ongoing",
      "settling",
    ]);
  });

  it("are excused for everybody once, whoever shows them", () => {
    const calendar = [
      { day: "2026-03-02", state: "amnesty" },
      { day: "2026-03-01", state: "checked" },
    ] as const;
    expect(excusedDays([{ calendar: [...calendar] }, { calendar: [...calendar] }])).toEqual(["2026-03-02"]);
  });
});
