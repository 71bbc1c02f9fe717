import { describe, expect, it } from "vitest";

import { nameOf, RANGE_NAMES, rangeNamed } from "@/utils/ranges";

describe("ranges", () => {
  it("gives every name its days and every such range its name", () => {
    for (const name of RANGE_NAMES) {
      const range = rangeNamed(name, "2026-05-13");
      expect(range && nameOf(range, "2026-05-13")).toBe(name);
    }
    expect(rangeNamed("本周", "2026-05-13")).toEqual({ from: "2026-05-11", to: "2026-05-17" });
    expect(rangeNamed("上月", "2026-01-31")).toEqual({ from: "2025-12-01", to: "2025-12-31" });
  });

  it("has no name for other days, and no days for other names", () => {
    expect(nameOf({ from: "2026-05-01", to: "2026-05-30" }, "2026-05-13")).toBe("自定义");
    expect(rangeNamed("自定义", "2026-05-13")).toBeNull();
  });
});
