import { describe, expect, it } from "vitest";

import type { Schemas } from "@/api/client";
import {
  amountRuns,
  amountsLabel,
  cliffText,
  CUSTOM,
  emptyPolicy,
  gapsIn,
  hasMore,
  partOf,
  PLAIN,
  policyOf,
  problemAt,
  templateOf,
  withCounting,
  type PolicyDraft,
  type Template,
} from "@/utils/policyDraft";
import { isTiers, withTier } from "@/utils/policyTiers";

const proRata = { kind: "pro_rata", min: 6, full_at: 9, step_fen: 10 };
const byDays = (part: Partial<PolicyDraft> = {}): PolicyDraft => ({
  ...emptyPolicy(),
  conditions: [],
  payout: proRata,
  ...part,
});
const templates = [
  { code: "threshold", refund_policy: { ...emptyPolicy() } },
  { code: "pro_rata", refund_policy: { ...byDays() } },
] as unknown as Template[];
const kinds: Schemas["KindsOut"] = {
  conditions: [
    {
      kind: "days_at_least",
      label: "累计打卡天数",
      fields: [{ name: "days", label: "至少打卡", unit: "days", default: null }],
    },
  ],
  payouts: [
    {
      kind: "new_kind",
      label: "新的退法",
      fields: [
        { name: "first", label: "第一项", unit: "days", default: 3 },
        { name: "second", label: "第二项", unit: "fen", default: null },
      ],
    },
  ],
};

describe("a stored deal", () => {
  it("is edited as it is, with fields that no page offers", () => {
    const counting = { leave_total: 2, rest_weekdays: [7] };
    const stored = { ...byDays({ counting }) };
    const draft = policyOf(stored);
    expect(draft).toEqual(stored);
    // A copy: what was read stays what was read.
    expect(draft.payout).not.toBe(stored.payout);
    expect(withCounting(draft, "warmup_days", 3).counting).toEqual({ ...counting, warmup_days: 3 });
    expect(withCounting(draft, "rest_weekdays", []).counting).toEqual({ leave_total: 2 });
    expect(withCounting(draft, "warmup_days", null).counting).toEqual(counting);
  });

  it.each([{ kind: "threshold", required_days: 5 }, { version: 3 }, { version: 2, payout: "all" }])(
    "that can't be read begins anew: %j",
    (stored) => {
      expect(policyOf(stored)).toEqual(emptyPolicy());
    },
  );

  it("is one of the templates by its kinds, else composed by hand", () => {
    expect(templateOf(emptyPolicy(), [])).toBe(PLAIN);
    expect(templateOf(byDays({ payout: { ...proRata, min: 1 } }), templates)).toBe("pro_rata");
    expect(templateOf(byDays({ conditions: emptyPolicy().conditions }), templates)).toBe(CUSTOM);
  });
});

describe("what is missing", () => {
  it("stands at its place, by the fields that the service describes", () => {
    expect(gapsIn(emptyPolicy(), null)).toEqual({ "conditions.0.days": "请填写" });
    const [kind] = kinds.payouts;
    const draft = byDays({ payout: kind ? partOf(kind) : proRata });
    expect(draft.payout).toEqual({ kind: "new_kind", first: 3, second: null });
    expect(gapsIn(draft, kinds)).toEqual({ "payout.second": "请填写" });
    expect(gapsIn(byDays(), null)).toEqual({});
  });

  it("is also a row without its number, and an empty list", () => {
    const tiers = [{ from_day: null, percent: 100 }];
    expect(gapsIn(byDays({ payout: { kind: "tiers", tiers, step_fen: 1 } }), null)).toHaveProperty([
      "payout.tiers",
    ]);
    expect(gapsIn(byDays({ conditions: [{ kind: "must_days", dates: [] }] }), null)).toHaveProperty([
      "conditions.0.dates",
    ]);
  });
});

it("finds a problem at a field or within it", () => {
  const problems = {
    "refund_policy.payout.tiers.0.percent": "不能大于 100",
    "refund_policy.fee_fen": "太多",
  };
  expect(problemAt(problems, "payout.tiers")).toBe("不能大于 100");
  expect(problemAt(problems, "fee_fen")).toBe("太多");
  expect(problemAt(problems, "payout.min")).toBe("");
});

it("unfolds what is set beyond conditions and payout", () => {
  expect([hasMore(emptyPolicy()), hasMore(byDays({ fee_fen: 1 }))]).toEqual([false, true]);
});

describe("amounts in words", () => {
  const steps = [0, 0, 6600, 9900, 9900].map((amount_fen, days) => ({ days, amount_fen }));

  it("join days that bring the same", () => {
    expect(amountRuns(steps).map(({ from, to }) => [from, to])).toEqual([
      [0, 1],
      [2, 2],
      [3, 4],
    ]);
    expect(amountsLabel(steps)).toBe("打卡 0–1 天退 ¥0；打卡 2 天退 ¥66；打卡 3–4 天退 ¥99");
  });

  it("name the steepest step", () => {
    const cliff = { fen: 6600, percent_of_deposit: 66, from_days: 2, to_days: 1 };
    expect(cliffText(cliff)).toBe("最陡的一步：打卡 1 天比 2 天少退 ¥66，占押金的 66%。");
    expect(cliffText({ ...cliff, fen: 0 })).toBe("少打一天不会少退。");
  });
});

it("adds steps before the last one, which brings all of it back", () => {
  const last = { from_day: 9, percent: 100 };
  expect(withTier([last])).toEqual([{ from_day: null, percent: null }, last]);
  expect(withTier([])).toHaveLength(2);
  expect([isTiers(null), isTiers([last]), isTiers([[6, 40]]), isTiers("x")]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
