/** A camp's deal (refund policy, version 2) as the composer holds it: parts with fields that the service describes. */
import { price } from "@shared/money";

import type { Schemas } from "@/api/client";

/** A condition or the payout: its kind, and the kind's own fields; null or missing is not filled in yet. */
export interface PolicyPart {
  kind: string;
  [field: string]: unknown;
}

export interface PolicyDraft {
  version: 2;
  /** What isn't as usual. Fields that no page offers (leaves, make-ups) are kept as they were read. */
  counting: Record<string, unknown>;
  conditions: PolicyPart[];
  payout: PolicyPart;
  fee_fen: number;
}

export type Kind = Schemas["KindFormOut"];
export type KindField = Schemas["FieldFormOut"];
export type Template = Schemas["TemplateOut"];

/** The template that a person composes by hand; the service has none of this name. */
export const CUSTOM = "custom";
/** The one template that is known before anything was read: all of it back from so many days. */
export const PLAIN = "threshold";
/** Where the plain deal's one number stands. */
export const PLAIN_DAYS = "conditions.0.days";
/** The deal's fields as the camp's form names them. */
export const POLICY = "refund_policy";

export function emptyPolicy(): PolicyDraft {
  return {
    version: 2,
    counting: {},
    conditions: [{ kind: "days_at_least", days: null }],
    payout: { kind: "all" },
    fee_fen: 0,
  };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isPart = (value: unknown): value is PolicyPart => isRecord(value) && typeof value.kind === "string";

/** A stored deal to edit; one that can't be read begins anew. */
export function policyOf(stored: Record<string, unknown>): PolicyDraft {
  // A copy: what is typed changes it.
  const copy = JSON.parse(JSON.stringify(stored)) as Record<string, unknown>;
  const { version, counting, conditions, payout, fee_fen } = copy;
  if (version !== 2 || !isPart(payout) || !Array.isArray(conditions) || !conditions.every(isPart))
    return emptyPolicy();
  return {
    version: 2,
    counting: isRecord(counting) ? counting : {},
    conditions,
    payout,
    fee_fen: typeof fee_fen === "number" ? fee_fen : 0,
  };
}

/** What decides which template a deal is: its kinds, whatever the numbers. */
const shapeOf = ({ conditions, payout }: Pick<PolicyDraft, "conditions" | "payout">): string =>
  [...conditions.map((part) => part.kind), payout.kind].join(" ");

export function templateOf(draft: PolicyDraft, templates: readonly Template[]): string {
  const found = templates.find((one) => shapeOf(policyOf(one.refund_policy)) === shapeOf(draft));
  return found?.code ?? (shapeOf(draft) === shapeOf(emptyPolicy()) ? PLAIN : CUSTOM);
}

/** A part of this kind with the defaults of its fields. */
export function partOf(kind: Kind): PolicyPart {
  return { kind: kind.kind, ...Object.fromEntries(kind.fields.map((field) => [field.name, field.default])) };
}

/** Another value of a field; an empty one of what is counted means as usual. */
export function withCounting(draft: PolicyDraft, name: string, value: unknown): PolicyDraft {
  const counting = Object.fromEntries(Object.entries(draft.counting).filter(([key]) => key !== name));
  const isUsual =
    value === null ||
    value === undefined ||
    value === 0 ||
    value === false ||
    (Array.isArray(value) && !value.length);
  return { ...draft, counting: isUsual ? counting : { ...counting, [name]: value } };
}

/** Whether anything beyond conditions and payout is set. */
export const hasMore = (draft: PolicyDraft): boolean =>
  draft.fee_fen > 0 || Object.keys(draft.counting).length > 0;

const isEmpty = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  (Array.isArray(value) && (value.length === 0 || value.some(hasGap)));
const hasGap = (row: unknown): boolean =>
  isRecord(row) && Object.values(row).some((value) => value === null || value === undefined);

/** Fields that nobody filled in, by their place in the deal. `kinds` say which there are; unread they are unknown. */
export function gapsIn(draft: PolicyDraft, kinds: Schemas["KindsOut"] | null): Record<string, string> {
  const found: Record<string, string> = {};
  const look = (part: PolicyPart, at: string, forms: Kind[] | undefined) => {
    const fields = forms?.find((form) => form.kind === part.kind)?.fields.map((field) => field.name);
    for (const name of fields ?? Object.keys(part))
      if (isEmpty(part[name])) found[`${at}.${name}`] = "请填写";
  };
  draft.conditions.forEach((part, index) => {
    look(part, `conditions.${index}`, kinds?.conditions);
  });
  look(draft.payout, "payout", kinds?.payouts);
  return found;
}

/** What is wrong at a place of the deal, or within it. */
export function problemAt(problems: Record<string, string>, at: string): string {
  const full = `${POLICY}.${at}`;
  const within = Object.keys(problems).find((field) => field.startsWith(`${full}.`));
  return problems[full] ?? (within === undefined ? "" : (problems[within] ?? ""));
}

/** Consecutive numbers of days that bring the same amount. */
export function amountRuns(
  steps: readonly Schemas["StepOut"][],
): { from: number; to: number; fen: number }[] {
  const runs: { from: number; to: number; fen: number }[] = [];
  for (const { days, amount_fen } of steps) {
    const last = runs.at(-1);
    if (last?.fen === amount_fen) last.to = days;
    else runs.push({ from: days, to: days, fen: amount_fen });
  }
  return runs;
}

export const runDays = ({ from, to }: { from: number; to: number }): string =>
  from === to ? `${from} 天` : `${from}–${to} 天`;

/** The chart of amounts for those who don't see it. */
export function amountsLabel(steps: readonly Schemas["StepOut"][]): string {
  return amountRuns(steps)
    .map((run) => `打卡 ${runDays(run)}退 ${price(run.fen)}`)
    .join("；");
}

/** The steepest step in words. */
export function cliffText(cliff: Schemas["CliffOut"]): string {
  if (cliff.fen === 0) return "少打一天不会少退。";
  return (
    `最陡的一步：打卡 ${cliff.to_days} 天比 ${cliff.from_days} 天少退 ${price(cliff.fen)}，` +
    `占押金的 ${cliff.percent_of_deposit}%。`
  );
}
