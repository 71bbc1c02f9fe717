/**
 * What a member types about himself, checked as the service checks it (backend/community/enrollments/rules.py), so that
 * what is wrong stands beside its field before anything is sent. The service still decides.
 */
import type { Schemas } from "@/api/client";

/** Body of an order without camp and channel. */
export type PersonForm = Pick<Schemas["OrderIn"], "planet_nickname" | "planet_number" | "wechat_nickname">;
export type PersonField = keyof PersonForm;

export const PERSON_FIELDS: Record<PersonField, { label: string; placeholder: string }> = {
  planet_nickname: { label: "星球昵称", placeholder: "您在知识星球里的昵称" },
  planet_number: { label: "星球编号", placeholder: "您的成员编号，只含数字" },
  wechat_nickname: { label: "微信昵称", placeholder: "您在微信里的昵称" },
};

/** In the order in which they are asked for. */
export const PERSON_KEYS = Object.keys(PERSON_FIELDS) as PersonField[];

const MAX_NAME = 50;

/** Control, zero-width and direction characters, which no name needs (backend/core/text.py). */
const INVISIBLE: readonly [from: number, to: number][] = [
  [0x00, 0x1f],
  [0x7f, 0x9f],
  [0x200b, 0x200b],
  [0x200e, 0x200f],
  [0x202a, 0x202e],
  [0x2060, 0x2060],
  [0xfeff, 0xfeff],
];

/** The value as the service reads it: trimmed, and full-width digits of a number as plain ones. */
export function cleanField(field: PersonField, value: string): string {
  return (field === "planet_number" ? value.normalize("NFKC") : value).trim();
}

/** What is wrong with a field, in words for the member, or null. */
export function fieldProblem(field: PersonField, value: string): string | null {
  const text = cleanField(field, value);
  if (text === "") return `请填写${PERSON_FIELDS[field].label}`;
  if (field === "planet_number") return /^[0-9]{1,20}$/.test(text) ? null : "星球编号须为 1 至 20 位数字";
  // By code points, as the service counts: an emoji is one.
  if (Array.from(text).length > MAX_NAME) return `须为 1 至 ${MAX_NAME} 个字`;
  return hasInvisible(text) ? "含有不可见的控制字符" : null;
}

/** All problems of some fields, by field; empty when they can be sent. */
export function formProblems<F extends PersonField>(form: Record<F, string>): Partial<Record<F, string>> {
  const problems: Partial<Record<F, string>> = {};
  for (const field of Object.keys(form) as F[]) {
    const problem = fieldProblem(field, form[field]);
    if (problem !== null) problems[field] = problem;
  }
  return problems;
}

/** The fields as they are sent. */
export function cleanForm<F extends PersonField>(form: Record<F, string>): Record<F, string> {
  const clean = { ...form };
  for (const field of Object.keys(form) as F[]) clean[field] = cleanField(field, form[field]);
  return clean;
}

function hasInvisible(text: string): boolean {
  return Array.from(text).some((sign) => {
    const code = sign.codePointAt(0) ?? 0;
    return INVISIBLE.some(([from, to]) => code >= from && code <= to);
  });
}
