import { describe, expect, it } from "vitest";

import { fenOf } from "@shared/money";

import { addDays, byMonth, daysBetween, monthOf, quarterOf, weekOf } from "@/utils/days";

describe("days", () => {
  it("crosses months and leap days", () => {
    expect(addDays("2028-02-28", 1)).toBe("2028-02-29");
    expect(addDays("2026-01-01", -1)).toBe("2025-12-31");
    expect(addDays("2026-03-01T23:50:00+08:00", 7)).toBe("2026-03-08");
  });

  it("puts months side by side, the first week with its empty places", () => {
    const days = ["2026-03-30", "2026-03-31", "2026-04-01"].map((day) => ({ day }));
    expect(byMonth(days)).toEqual([
      { title: "2026年3月", days: days.slice(0, 2), before: 0 },
      { title: "2026年4月", days: days.slice(2), before: 2 },
    ]);
    expect(byMonth([])).toEqual([]);
  });

  it("counts both ends, and nothing when they are the wrong way round", () => {
    expect(daysBetween("2025-12-10", "2025-12-31")).toBe(22);
    expect(daysBetween("2026-03-01", "2026-03-01")).toBe(1);
    expect(daysBetween("2026-03-02", "2026-03-01")).toBe(0);
  });

  it("knows the ends of months over the year's end", () => {
    expect(monthOf("2026-01-31", -1)).toEqual(["2025-12-01", "2025-12-31"]);
    expect(monthOf("2028-02-10")).toEqual(["2028-02-01", "2028-02-29"]);
  });
});

describe("ranges", () => {
  it("begins weeks on Monday", () => {
    expect(weekOf("2026-03-01")).toEqual(["2026-02-23", "2026-03-01"]);
    expect(weekOf("2026-03-02")).toEqual(["2026-03-02", "2026-03-08"]);
  });

  it("knows the quarters of a year", () => {
    expect(quarterOf("2026-03-31")).toEqual(["2026-01-01", "2026-03-31"]);
    expect(quarterOf("2026-04-01")).toEqual(["2026-04-01", "2026-06-30"]);
    expect(quarterOf("2026-12-15")).toEqual(["2026-10-01", "2026-12-31"]);
  });
});

describe("fenOf", () => {
  it("reads amounts to the fen, without floating point", () => {
    expect(["199", "199.5", "0.07", " 4.35 "].map(fenOf)).toEqual([19900, 19950, 7, 435]);
  });

  it("takes nothing else for an amount", () => {
    expect(["", "1.234", "1e3", "-1", "１９９", "1,000", "."].map(fenOf)).toEqual(Array(7).fill(null));
  });
});
