import { expect, it } from "vitest";

import { enrollGate, gateOfRefusal, gateWords } from "@/utils/enrollGate";

it.each([
  ["open", "open", null, null],
  ["full", "full", null, null],
  ["not_open", "not_open", null, null],
  ["closed", "closed", null, null],
  ["enrolled", "full", {}, null],
  // The order holds a seat until it ends.
  ["open", "full", null, { seconds_left: 1 }],
  ["open", "closed", null, { seconds_left: 1 }],
  ["full", "full", null, { seconds_left: 0 }],
  ["enrolled", "open", {}, { seconds_left: 1 }],
] as const)("%s: camp %s, place %j, order %j", (gate, enroll_state, place, order) => {
  expect(enrollGate({ enroll_state }, { place, order })).toBe(gate);
});

it.each([
  ["already_enrolled", "enrolled"],
  ["camp_full", "full"],
  ["enroll_closed", "closed"],
  ["enroll_not_open", "not_open"],
  ["validation_error", null],
  ["offline", null],
] as const)("%s leads to %s", (code, gate) => {
  expect(gateOfRefusal(code)).toBe(gate);
});

it("says when enrolling begins, by the service's clock", () => {
  expect(gateWords("not_open", "2026-03-01T08:00:00+08:00").text).toContain("2026年3月1日 08:00");
  expect(gateWords("not_open", null).text).not.toContain("null");
});
