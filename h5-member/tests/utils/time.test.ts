import { afterEach, describe, expect, it, vi } from "vitest";

import {
  countdown,
  dateTime,
  dayRange,
  fullDateTime,
  fullDay,
  monthDay,
  weekday,
  weekdayIndex,
} from "@shared/time";

afterEach(() => {
  vi.unstubAllEnvs();
});

describe.each(["Asia/Shanghai", "America/Los_Angeles", "Pacific/Kiritimati"])("on a phone in %s", (zone) => {
  it("shows days and instants as the service wrote them", () => {
    vi.stubEnv("TZ", zone);
    expect(monthDay("2026-03-01")).toBe("3月1日");
    expect(fullDay("2026-12-31")).toBe("2026年12月31日");
    expect(dateTime("2026-03-01T00:05:00+08:00")).toBe("3月1日 00:05");
    expect(fullDateTime("2026-03-01T23:59:59.123456+08:00")).toBe("2026年3月1日 23:59");
    expect(weekday("2026-03-01")).toBe("周日");
    expect(weekdayIndex("2026-03-07")).toBe(6);
  });
});

it("names the second year of a range only when it differs", () => {
  expect(dayRange("2026-03-01", "2026-03-21")).toBe("2026年3月1日 – 3月21日");
  expect(dayRange("2026-12-20", "2027-01-09")).toBe("2026年12月20日 – 2027年1月9日");
});

it("knows leap days", () => {
  expect(weekday("2028-02-29")).toBe("周二");
});

it.each([
  [1800, "30:00"],
  [125, "02:05"],
  [59.9, "00:59"],
  [0, "00:00"],
  [-3, "00:00"],
  [3605, "1:00:05"],
  [90_000, "25:00:00"],
])("counts %d seconds as %s", (seconds, text) => {
  expect(countdown(seconds)).toBe(text);
});
