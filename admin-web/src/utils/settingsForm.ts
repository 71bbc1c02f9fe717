/** A group of settings as its form holds it: texts and switches, whatever the service keeps. */
import type { Schemas } from "@/api/client";
import type { Label } from "@/utils/labels";

type Group = Schemas["GroupOut"];
type Field = Schemas["FieldOut"];

export type FieldValue = string | boolean;
export type SettingsForm = Record<string, FieldValue>;

/** Fen as they are typed: "9999" → "99.99", without zeros that say nothing. */
function yuanOf(fen: number): string {
  return (fen / 100).toFixed(2).replace(/\.?0+$/, "");
}

/** What a field begins with. A secret begins empty: nobody gets to see it again. */
export function shownValue(field: Field): FieldValue {
  const value = field.value;
  if (field.secret || value === null || value === undefined) return "";
  if (typeof value === "boolean") return value;
  if (field.kind === "money") return yuanOf(Number(value));
  if (field.kind === "time") return String(value).slice(0, 5);
  return Array.isArray(value) ? value.join(", ") : String(value as string | number);
}

export function formOf(group: Group): SettingsForm {
  return Object.fromEntries(group.fields.map((field) => [field.key, shownValue(field)]));
}

/** What a person changed, so that leaving would lose it. */
export function isChanged(group: Group, form: SettingsForm, clear: ReadonlySet<string>): boolean {
  return clear.size > 0 || group.fields.some((field) => form[field.key] !== shownValue(field));
}

/** Amounts that are none, by field; everything else is the service's to judge. */
export function amountProblems(group: Group, form: SettingsForm): Record<string, string> {
  const wrong = group.fields.filter(
    (field) => field.kind === "money" && !/^\d{1,7}(\.\d{1,2})?$/.test(String(form[field.key]).trim()),
  );
  return Object.fromEntries(wrong.map((field) => [field.key, "请填写金额，最多两位小数"]));
}

/** The whole group for the service; secrets only where something was typed. */
export function valuesOf(group: Group, form: SettingsForm): Record<string, unknown> {
  const sent = group.fields.filter((field) => !field.read_only && (!field.secret || form[field.key] !== ""));
  return Object.fromEntries(sent.map((field) => [field.key, sentValue(field, form[field.key] ?? "")]));
}

function sentValue(field: Field, value: FieldValue): unknown {
  if (typeof value === "boolean") return value;
  if (field.kind === "money") return Math.round(Number(value) * 100);
  if (field.kind !== "numbers") return value;
  return value
    .split(/[,，\s]+/)
    .filter((part) => part !== "")
    .map((part) => part.trim());
}

/** 已连接 or 异常, as the last test found what is in force. */
export function connectionState(group: Group): Label {
  if (group.check === null) return { text: "未测试", type: "info" };
  return group.check.ok ? { text: "已连接", type: "success" } : { text: "异常", type: "danger" };
}
