import { describe, expect, it } from "vitest";

import schema from "@/api/schema.gen.ts?raw";
import {
  CAMP_STATUS,
  DAY_STATE,
  ENROLL_STATE,
  MATCH_STATUS,
  PAYMENT_STATUS,
  REFUND_STATUS,
  STANDING,
  VERDICT,
} from "@/utils/labels";

/** The values of an enum in the generated types, which are gone at run time. */
function valuesOf(name: string): string[] {
  const line = new RegExp(`^\\s+${name}: ((?:"\\w+"(?: \\| )?)+);$`, "m").exec(schema)?.[1] ?? "";
  return Array.from(line.split(" | "), (value) => value.slice(1, -1)).sort();
}

describe.each([
  ["CampStatus", CAMP_STATUS],
  ["EnrollState", ENROLL_STATE],
  ["MatchStatus", MATCH_STATUS],
  ["Standing", STANDING],
  ["Verdict", VERDICT],
  ["RefundStatus", REFUND_STATUS],
  ["PaymentStatus", PAYMENT_STATUS],
])("%s", (name, labels) => {
  it("has a label for each state of the service, and no other", () => {
    expect(valuesOf(name).length).toBeGreaterThan(1);
    expect(Object.keys(labels).sort()).toEqual(valuesOf(name));
  });

  it("says it in Chinese", () => {
    for (const { text } of Object.values(labels)) expect(text).toMatch(/^[\u4e00-\u9fff]+$/);
  });
});

it("names each state of a day", () => {
  expect(Object.keys(DAY_STATE).sort()).toEqual(valuesOf("DayState"));
});

it("doesn't tell members apart what only staff can mend", () => {
  expect(REFUND_STATUS.failed).toEqual(REFUND_STATUS.closed);
  expect(REFUND_STATUS.failed.tone).not.toBe("red");
});
