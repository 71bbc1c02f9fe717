import { expect, it } from "vitest";

import { payView, type PaySituation } from "@/utils/payView";

import { payment } from "./service";

const now: PaySituation = { step: "ready", secondsLeft: 60, waitedLong: false, channel: "jsapi" };

it.each([
  // What the service knows stands above everything that happened on the page.
  ["paid", { status: "paid" }, { step: "cancelled" }],
  ["paid", { status: "paid" }, { channel: "native" }],
  ["excess", { status: "paid", excess: "camp_full" }, {}],
  ["closed", { status: "closed" }, { step: "told" }],
  // Somebody who says that it is paid is not sent away because time is up.
  ["confirming", {}, { step: "told" }],
  ["confirming", {}, { step: "told", secondsLeft: 0 }],
  ["unclear", {}, { step: "told", waitedLong: true }],
  ["overdue", {}, { secondsLeft: 0 }],
  ["overdue", {}, { step: "scan", secondsLeft: 0 }],
  ["elsewhere", { channel: "native" }, {}],
  ["elsewhere", { channel: "h5" }, {}],
  ["ready", {}, {}],
  ["ready", {}, { waitedLong: true }],
  ["cancelled", {}, { step: "cancelled" }],
  ["failed", {}, { step: "failed" }],
  ["scan", { channel: "native" }, { step: "scan", channel: "native" }],
  ["left", { channel: "h5" }, { step: "left", channel: "h5" }],
  ["leaving", { channel: "h5" }, { step: "leaving", channel: "h5" }],
] as const)("%s: %j, %j", (view, order, situation) => {
  expect(payView(payment(order), { ...now, ...situation })).toBe(view);
});
