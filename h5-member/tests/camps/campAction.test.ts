import { expect, it } from "vitest";

import type { Schemas } from "@/api/client";
import { campAction } from "@/utils/campAction";

import { camp, membership, order } from "../support/camps";

type Camp = Partial<Schemas["CampOut"]>;

it.each<[Camp, object]>([
  [{ enroll_state: "open" }, { kind: "enroll" }],
  [{ enroll_state: "full" }, { kind: "none", text: "已满员" }],
  [{ enroll_state: "not_open" }, { kind: "none", text: "报名未开始" }],
  [{ enroll_state: "closed" }, { kind: "none", text: "报名已结束" }],
  [
    { enroll_state: "closed", status: "ongoing" },
    { kind: "none", text: "报名已结束" },
  ],
  [
    { enroll_state: "closed", status: "ended" },
    { kind: "none", text: "训练营已结束" },
  ],
  [
    { enroll_state: "closed", status: "settling" },
    { kind: "none", text: "训练营已结束" },
  ],
  [
    { enroll_state: "closed", status: "archived" },
    { kind: "none", text: "训练营已结束" },
  ],
])("offers a stranger to a camp %j: %j", (changes, action) => {
  expect(campAction(camp(changes), null, null)).toEqual(action);
});

it.each([
  ["enrolling", true],
  ["ongoing", true],
  ["ended", false],
  ["settling", false],
  ["archived", false],
] as const)("leads a member of a camp that is %s to the progress, and to the group: %s", (status, qr) => {
  const found = campAction(camp({ status, enroll_state: "full" }), membership(camp()), order(camp()));
  expect(found).toEqual({ kind: "member", memberId: "m1", paymentId: "p1", qr });
});

it("lets an open order be paid, also when its seat was the last", () => {
  const found = campAction(camp({ enroll_state: "full" }), null, order(camp()));
  expect(found).toEqual({ kind: "resume", paymentId: "p2", amountFen: 8800 });
});
