import { expect, it } from "vitest";

import { membershipLine } from "@/utils/membership";

import { camp, refund } from "../progress/factory";
import { membership } from "./factory";

const at = (status: typeof camp.status) => ({ camp: { ...camp, status } });

it.each([
  ["green", "退款 ¥99：已退款", { ...at("archived"), refund: refund({ status: "succeeded" }) }],
  ["orange", "退款 ¥99：待审核", { ...at("settling"), refund: refund() }],
  ["red", "退款 ¥99：未通过", { match_status: "closed", refund: refund({ status: "rejected" }) }],
  ["blue", "已取消，押金由工作人员安排退还", at("cancelled")],
  ["red", "没有找到您的星球账号", { match_status: "closed" }],
  ["blue", "已报名，等待开营", { ...at("enrolling"), match_status: "unmatched" }],
  ["orange", "星球身份待确认", { match_status: "conflict" }],
  ["green", "打卡 7/7 天，已达标", { days: 7, verdict: "eligible" }],
  ["blue", "打卡 3/7 天", {}],
  ["red", "打卡 3/7 天，未达标", at("ended")],
  ["orange", "打卡 3/7 天，待确认", { ...at("ended"), verdict: "needs_confirmation" }],
] as const)("%s: %s", (tone, text, changes) => {
  expect(membershipLine(membership(changes))).toEqual({ tone, text });
});
