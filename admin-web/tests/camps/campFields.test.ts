import { describe, expect, it } from "vitest";

import { ApiError } from "@shared/api";

import {
  bodyOf,
  changeOf,
  emptyForm,
  formOf,
  lockedIn,
  missingToPublish,
  problemsOf,
  readLength,
  refusedFields,
  type CampForm,
} from "@/utils/campFields";

import { emptyPolicy } from "@/utils/policyDraft";

import { aCamp } from "./aCamp";

const CAMP = aCamp();
const draft = (part: Partial<CampForm> = {}) => ({ ...formOf(CAMP), ...part });
const published = aCamp({ status: "enrolling", enroll_closes_at: "2026-03-09T23:59:59+08:00" });

describe("what is sent", () => {
  it("is what was read, when nothing was touched", () => {
    const { deposit_fen, enroll_opens_at, coach_ids, poster_key } = bodyOf(formOf(CAMP));
    expect({ deposit_fen, enroll_opens_at, coach_ids, poster_key }).toEqual({
      deposit_fen: 19950,
      enroll_opens_at: "2026-03-01T09:00:00+08:00",
      coach_ids: ["u1"],
      poster_key: null,
    });
    expect(changeOf(formOf(CAMP), draft())).toEqual({});
  });

  it("names only what changed, so that a colleague's change of another field stays", () => {
    expect(changeOf(formOf(CAMP), draft({ deposit: "200", volunteer_ids: ["u2"] }))).toEqual({
      deposit_fen: 20000,
      volunteer_ids: ["u2"],
    });
    const policy = {
      ...formOf(CAMP).refund_policy,
      payout: { kind: "pro_rata", min: 5, full_at: 10, step_fen: 1 },
    };
    expect(changeOf(formOf(CAMP), draft({ refund_policy: policy }))).toEqual({ refund_policy: policy });
    expect(changeOf(formOf(CAMP), draft({ capacity: null, enroll_opens_at: "" }))).toEqual({
      capacity: null,
      enroll_opens_at: null,
    });
  });
});

describe("problems of a draft", () => {
  it("asks for what every camp has", () => {
    expect(Object.keys(problemsOf(emptyForm(), null)).sort()).toEqual([
      "deposit_fen",
      "ends_on",
      "name",
      "refund_policy.conditions.0.days",
      "starts_on",
    ]);
    expect(problemsOf(draft(), CAMP)).toEqual({});
  });

  it("leaves it to the service what the numbers of a deal can be", () => {
    const days = (count: number) => ({
      ...emptyPolicy(),
      conditions: [{ kind: "days_at_least", days: count }],
    });
    expect(problemsOf(draft({ refund_policy: days(9999) }), CAMP)).toEqual({});
    expect(problemsOf(draft({ ends_on: "2026-03-09" }), CAMP)).toEqual({
      ends_on: "结束日期不能早于开始日期",
    });
  });

  it("takes no amount that isn't one", () => {
    for (const deposit of ["0", "1.999", "一百", "-5"])
      expect(problemsOf(draft({ deposit }), CAMP)).toHaveProperty("deposit_fen");
  });

  it("wants the closing after the opening", () => {
    const part = { enroll_opens_at: "2026-03-05 09:00:00", enroll_closes_at: "2026-03-05 09:00:00" };
    expect(problemsOf(draft(part), CAMP)).toEqual({ enroll_closes_at: "报名截止时间须晚于开始时间" });
  });

  it("counts what is read of the description, not its markup", () => {
    expect(readLength("<p>你好&amp;👍</p>")).toBe(4);
    expect(problemsOf(draft({ description: `<p>${"字".repeat(500)}</p>` }), CAMP)).toEqual({});
    expect(problemsOf(draft({ description: "字".repeat(501) }), CAMP)).toHaveProperty("description");
  });

  it("names what publishing needs beyond that", () => {
    expect(missingToPublish(draft())).toEqual({});
    expect(Object.keys(missingToPublish(emptyForm()))).toEqual([
      "group_qr_key",
      "planet_id",
      "checkin_id",
      "coach_ids",
    ]);
  });
});

describe("a published camp", () => {
  it("locks the deal, and the window once it runs", () => {
    expect(lockedIn("draft").size).toBe(0);
    expect(lockedIn("enrolling").has("deposit_fen")).toBe(true);
    expect(lockedIn("enrolling").has("enroll_closes_at")).toBe(false);
    expect(lockedIn("ongoing").has("enroll_closes_at")).toBe(true);
  });

  it("only grows, and keeps its coach and group", () => {
    const form = { ...formOf(published), capacity: 199, coach_ids: [], group_qr_key: "" };
    expect(Object.keys(problemsOf(form, published)).sort()).toEqual([
      "capacity",
      "coach_ids",
      "group_qr_key",
    ]);
    expect(problemsOf({ ...formOf(published), capacity: 1000 }, published)).toEqual({});
  });
});

describe("refusals of the service", () => {
  const refusal = (code: string, data: Record<string, unknown> | null = null) =>
    refusedFields(new ApiError(code, "", "", 409, data));

  it("stand at the fields they mean", () => {
    expect(refusal("camp_name_taken")).toEqual({ name: "已有同名的训练营" });
    expect(refusal("validation_error", { fields: [{ field: "deposit_fen", message: "押金须…" }] })).toEqual({
      deposit_fen: "押金须…",
    });
    expect(refusal("camp_wrong_state")).toEqual({});
    // A deal that is stored as a mere number of days.
    expect(refusal("validation_error", { fields: [{ field: "required_days", message: "须在…" }] })).toEqual({
      "refund_policy.conditions.0.days": "须在…",
    });
  });
});
