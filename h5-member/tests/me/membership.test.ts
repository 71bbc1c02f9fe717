import { describe, expect, it } from "vitest";

import type { Schemas } from "@/api/client";
import { membershipLine } from "@/utils/membership";
import { outlook } from "@/utils/outlook";

import { camp, progress, refund } from "../progress/factory";
import { membership } from "./factory";

const at = (status: typeof camp.status) => ({ camp: { ...camp, status } });

it.each([
  ["green", "退款 ¥99：已退款", { ...at("archived"), refund: refund({ status: "succeeded" }) }],
  ["orange", "退款 ¥99：待审核", { ...at("settling"), verdict: "eligible", refund: refund() }],
  ["orange", "部分退还 ¥99：待审核", { ...at("settling"), verdict: "partial", refund: refund() }],
  ["orange", "退款：待审核", { ...at("settling"), verdict: "needs_confirmation", refund: refund() }],
  ["orange", "退款：待审核", { ...at("settling"), verdict: "not_eligible", refund: refund() }],
  ["red", "退款审核未通过，押金不退还", { match_status: "closed", refund: refund({ status: "rejected" }) }],
  ["blue", "已取消，押金由工作人员安排退还", at("cancelled")],
  ["red", "没有找到您的星球账号", { match_status: "closed" }],
  ["blue", "已报名，等待开营", { ...at("enrolling"), match_status: "unmatched" }],
  ["orange", "星球身份待确认", { match_status: "conflict" }],
  ["grey", "未能确认星球身份，没有退款", { ...at("archived"), match_status: "conflict" }],
  ["grey", "未能确认星球身份，没有退款", { ...at("archived"), match_status: "closed" }],
  ["grey", "训练营已归档，没有退款记录", { ...at("archived"), verdict: "needs_confirmation" }],
  ["blue", "打卡 3/7 天", {}],
  ["blue", "打卡 3 天", { required_days: null }],
  ["green", "打卡 7/7 天，已达标", { days: 7, standing: "reached", entitled_fen: 9900 }],
  ["blue", "打卡 3/7 天，现在停下可退 ¥40", { entitled_fen: 4000 }],
  ["orange", "打卡 3/7 天，现在停下可退 ¥40", { standing: "out_of_reach", entitled_fen: 4000 }],
  ["orange", "打卡 3/7 天，已无法达标", { standing: "out_of_reach" }],
  ["orange", "打卡 3/7 天，待最后一次同步", at("ended")],
  ["green", "打卡 7/7 天，已达标", { ...at("ended"), days: 7, verdict: "eligible" }],
  ["blue", "打卡 3/7 天，部分退还 ¥40", { ...at("ended"), verdict: "partial", entitled_fen: 4000 }],
  ["red", "打卡 3/7 天，未达标，押金不退还", { ...at("ended"), verdict: "not_eligible" }],
  ["red", "打卡 3/7 天，未达标，押金不退还", { ...at("archived"), verdict: "not_eligible" }],
  ["orange", "打卡 3/7 天，待确认", { ...at("ended"), verdict: "needs_confirmation" }],
] as const)("%s: %s", (tone, text, changes) => {
  expect(membershipLine(membership(changes))).toEqual({ tone, text });
});

describe("我的 and 进度", () => {
  const verdicts: (Schemas["Verdict"] | null)[] = [
    null,
    "eligible",
    "partial",
    "needs_confirmation",
    "not_eligible",
  ];
  const matches: Schemas["MatchStatus"][] = ["unmatched", "suggested", "matched", "conflict", "closed"];
  const over = ["ended", "settling", "archived"] as const;
  const rejected = refund({ status: "rejected", reject_reason: "存在刷卡" });
  const all = over.flatMap((status) =>
    verdicts.flatMap((verdict) =>
      matches.flatMap((match_status) =>
        [null, rejected].map((row) => ({ status, verdict, match_status, row })),
      ),
    ),
  );

  it.each(all)("agree on whether money may still come: %j", ({ status, verdict, match_status, row }) => {
    const given = { verdict, match_status, refund: row, entitled_fen: verdict === "partial" ? 4000 : 0 };
    const line = membershipLine(membership({ ...at(status), ...given }));
    const said = outlook(progress({ camp: { status }, ...given }));
    expect(line.tone).toBe(said.tone);
  });
});
