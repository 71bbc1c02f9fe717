import { flushPromises } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { nextTick, reactive } from "vue";

import { usePolicyComposer } from "@/composables/usePolicyComposer";
import { emptyForm } from "@/utils/campFields";
import { CUSTOM, emptyPolicy, type PolicyDraft } from "@/utils/policyDraft";

import { useServer } from "../refunds/server";
import { within } from "../refunds/within";

const server = useServer();
const PREVIEW = "/api/admin/camps/preview-policy";
const plain = (days: number | null): PolicyDraft => ({
  ...emptyPolicy(),
  conditions: [{ kind: "days_at_least", days }],
});
const byDays: PolicyDraft = {
  ...emptyPolicy(),
  conditions: [],
  payout: { kind: "pro_rata", min: 13, full_at: 19, step_fen: 10 },
};
const templates = [
  { code: "threshold", label: "达标全退", refund_policy: plain(15), is_default: true, is_recommended: false },
  { code: "pro_rata", label: "按天退", refund_policy: byDays, is_default: false, is_recommended: true },
];
const answer = (part: object = {}) => ({
  data: { templates, problems: [], required_days: 15, amounts: [], warnings: [], ...part },
});

beforeEach(() => {
  vi.useFakeTimers();
  server.on("GET", "/api/admin/policies/kinds", () => ({ data: { conditions: [], payouts: [] } }));
  server.on("POST", PREVIEW, () => answer());
});
afterEach(() => {
  vi.useRealTimers();
});

const later = async () => {
  await nextTick();
  await vi.advanceTimersByTimeAsync(500);
  await flushPromises();
};
const asked = () => server.asked.filter((one) => one.path === PREVIEW).map((one) => one.body);

async function composing(part: object = {}) {
  const form = reactive({
    ...emptyForm(),
    deposit: "199",
    starts_on: "2026-03-01",
    ends_on: "2026-03-21",
    ...part,
  });
  const composer = within(() => usePolicyComposer(() => form));
  await later();
  const take = async (coming: PolicyDraft | Promise<PolicyDraft | null>) => {
    await later();
    const draft = await coming;
    if (draft) form.refund_policy = draft;
    await later();
  };
  return { form, composer, take };
}

describe("usePolicyComposer", () => {
  it("asks for the templates before anything is typed, and shows no deal that nobody chose", async () => {
    const { composer } = await composing({ deposit: "", starts_on: "", ends_on: "" });
    expect(asked()).toHaveLength(1);
    expect(asked()[0]).not.toHaveProperty("refund_policy");
    expect(composer.templates.value.map((one) => one.label)).toEqual(["达标全退", "按天退"]);
    expect([composer.isReady.value, composer.preview.value]).toEqual([false, null]);
  });

  it("asks once after a pause, about the deal as it stands then", async () => {
    const { form, composer } = await composing();
    for (const days of [1, 14, 15]) {
      form.refund_policy = plain(days);
      await nextTick();
    }
    expect(composer.isOld.value).toBe(true);
    await later();
    expect(asked()).toHaveLength(2);
    expect(asked()[1]).toMatchObject({ deposit_fen: 19900, refund_policy: plain(15) });
    expect(composer.isOld.value).toBe(false);
    expect(composer.preview.value?.required_days).toBe(15);
  });

  it("puts what is wrong at the fields of the form", async () => {
    server.on("POST", PREVIEW, () =>
      answer({ problems: [{ field: "conditions.0.days", message: "须在 1 至 21 天之间" }] }),
    );
    const { composer, take } = await composing();
    await take(plain(99));
    expect(composer.problems.value).toEqual({
      "refund_policy.conditions.0.days": "须在 1 至 21 天之间",
    });
    expect(composer.preview.value).toBeNull();
  });

  it("keeps what was typed under one template while another is looked at, and what else was chosen", async () => {
    const { form, composer, take } = await composing();
    await take({ ...plain(12), fee_fen: 500, counting: { warmup_days: 2, leave_total: 1 } });
    await take(composer.choose("pro_rata"));
    expect(composer.template.value).toBe("pro_rata");
    expect(form.refund_policy).toEqual({
      ...byDays,
      fee_fen: 500,
      counting: { warmup_days: 2, leave_total: 1 },
    });
    await take(composer.choose("threshold"));
    expect(form.refund_policy.conditions).toEqual(plain(12).conditions);
    await take(composer.choose(CUSTOM));
    expect([composer.template.value, form.refund_policy.conditions]).toEqual([CUSTOM, plain(12).conditions]);
  });

  it("takes the recommended one with the numbers that suit the camp", async () => {
    const { form, composer, take } = await composing();
    await take(composer.recommend());
    expect(form.refund_policy.payout).toEqual(byDays.payout);
    await take({ ...byDays, payout: { ...byDays.payout, min: 1 } });
    await take(composer.propose());
    expect(form.refund_policy.payout).toEqual(byDays.payout);
  });

  it("tries the deal on a finished camp", async () => {
    const { composer, take } = await composing();
    await take(plain(15));
    composer.campId.value = "c9";
    await later();
    expect(asked().at(-1)).toMatchObject({ camp_id: "c9" });
  });
});
