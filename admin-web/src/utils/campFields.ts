/** A camp as a form holds it, and the service's own rules about it (product requirements §3.1, C11). */
import type { ApiError } from "@shared/api";
import { fenOf, yuan } from "@shared/money";

import type { Schemas } from "@/api/client";
import { daysBetween } from "@/utils/days";
import { emptyPolicy, gapsIn, PLAIN_DAYS, POLICY, policyOf, type PolicyDraft } from "@/utils/policyDraft";

export type Camp = Schemas["CampOut"];

/** Texts as they are typed; empty means not given. Instants are Shanghai wall clock: `2026-03-01 09:00:00`. */
export interface CampForm {
  name: string;
  description: string;
  deposit: string;
  capacity: number | null;
  enroll_opens_at: string;
  enroll_closes_at: string;
  starts_on: string;
  ends_on: string;
  refund_policy: PolicyDraft;
  planet_id: string;
  checkin_id: string;
  poster_key: string;
  group_qr_key: string;
  coach_ids: string[];
  volunteer_ids: string[];
}

export type Problems = Record<string, string>;

export const MAX_CAPACITY = 1000;
export const MAX_DESCRIPTION = 500;
const MAX_DAYS = 1000;

const LOCKED = ["name", "deposit_fen", "starts_on", "ends_on", POLICY, "planet_id", "checkin_id"];
const WINDOW = ["enroll_opens_at", "enroll_closes_at"];

export function emptyForm(): CampForm {
  return {
    name: "",
    description: "",
    deposit: "",
    capacity: null,
    enroll_opens_at: "",
    enroll_closes_at: "",
    starts_on: "",
    ends_on: "",
    refund_policy: emptyPolicy(),
    planet_id: "",
    checkin_id: "",
    poster_key: "",
    group_qr_key: "",
    coach_ids: [],
    volunteer_ids: [],
  };
}

export function formOf(camp: Camp): CampForm {
  return {
    name: camp.name,
    description: camp.description,
    deposit: yuan(camp.deposit_fen).replaceAll(",", ""),
    capacity: camp.capacity,
    enroll_opens_at: wallClock(camp.enroll_opens_at),
    enroll_closes_at: wallClock(camp.enroll_closes_at),
    starts_on: camp.starts_on,
    ends_on: camp.ends_on,
    refund_policy: policyOf(camp.refund_policy),
    planet_id: camp.planet_id ?? "",
    checkin_id: camp.checkin_id ?? "",
    poster_key: camp.poster_key ?? "",
    group_qr_key: camp.group_qr_key ?? "",
    coach_ids: camp.coaches.map((person) => person.id),
    volunteer_ids: camp.volunteers.map((person) => person.id),
  };
}

/** What the service takes. Call it only for a form without problems. */
export function bodyOf(form: CampForm): Schemas["CampIn"] {
  return {
    name: form.name.trim(),
    description: form.description,
    deposit_fen: fenOf(form.deposit) ?? 0,
    capacity: form.capacity,
    enroll_opens_at: instant(form.enroll_opens_at),
    enroll_closes_at: instant(form.enroll_closes_at),
    starts_on: form.starts_on,
    ends_on: form.ends_on,
    refund_policy: { ...form.refund_policy },
    planet_id: form.planet_id || null,
    checkin_id: form.checkin_id || null,
    poster_key: form.poster_key || null,
    group_qr_key: form.group_qr_key || null,
    coach_ids: form.coach_ids,
    volunteer_ids: form.volunteer_ids,
  };
}

/**
 * What differs from what was read. A colleague's change of another field stays, and a picture that nobody
 * touched isn't sent again.
 */
export function changeOf(before: CampForm, now: CampForm): Schemas["CampChange"] {
  const [old, fresh] = [bodyOf(before), bodyOf(now)];
  const names = Object.keys(fresh) as (keyof typeof fresh)[];
  const changed = names.filter((name) => JSON.stringify(old[name]) !== JSON.stringify(fresh[name]));
  return onlyThis(Object.fromEntries(changed.map((name) => [name, fresh[name]])));
}

/** A change of these fields alone: the service leaves what isn't named, though its type demands what has a default. */
export function onlyThis(part: Partial<Schemas["CampIn"]>): Schemas["CampChange"] {
  return part as Schemas["CampChange"];
}

/** What was typed since: fields of the form with their values. */
export function typedSince(before: CampForm, now: CampForm) {
  const fields = Object.entries(now) as [keyof CampForm, unknown][];
  return fields.filter(([name, value]) => JSON.stringify(before[name]) !== JSON.stringify(value));
}

/** How the service calls a field of the form. */
export const serviceName = (name: keyof CampForm) => (name === "deposit" ? "deposit_fen" : name);

export function totalDays(form: CampForm): number {
  return form.starts_on && form.ends_on ? daysBetween(form.starts_on, form.ends_on) : 0;
}

/** Fields that can't be changed any more in this state. */
export function lockedIn(status: Schemas["CampStatus"] | null): Set<string> {
  if (status === null || status === "draft") return new Set();
  return new Set(status === "enrolling" ? LOCKED : [...LOCKED, ...WINDOW]);
}

/** What the service would refuse, by its field names. `camp` is what was read, null for a new one. */
export function problemsOf(form: CampForm, camp: Camp | null): Problems {
  const published = camp !== null && camp.status !== "draft";
  const found = published ? {} : { ...termProblems(form), ...dayProblems(form), ...policyProblems(form) };
  if (form.capacity !== null && (form.capacity < 1 || form.capacity > MAX_CAPACITY))
    found.capacity = `人数上限须在 1 至 ${MAX_CAPACITY} 之间`;
  if (published) Object.assign(found, publishedProblems(form, camp));
  if (readLength(form.description) > MAX_DESCRIPTION)
    found.description = `项目介绍最多 ${MAX_DESCRIPTION} 个字`;
  if (form.enroll_opens_at && form.enroll_closes_at && form.enroll_closes_at <= form.enroll_opens_at)
    found.enroll_closes_at = "报名截止时间须晚于开始时间";
  return found;
}

function termProblems(form: CampForm): Problems {
  const found: Problems = {};
  const name = form.name.trim();
  if (name === "") found.name = "请填写训练营名称";
  else if ([...name].length > 50) found.name = "名称须为 1 至 50 个字";
  if (form.deposit.trim() === "") found.deposit_fen = "请填写押金";
  else if (!fenOf(form.deposit)) found.deposit_fen = "押金须是大于 0 的金额，最多两位小数";
  if (form.checkin_id && !/^\d{1,32}$/.test(form.checkin_id)) found.checkin_id = "项目编号只能是数字";
  return found;
}

function dayProblems(form: CampForm): Problems {
  const found: Problems = {};
  if (!form.starts_on) found.starts_on = "请选择开始日期";
  if (!form.ends_on) found.ends_on = "请选择结束日期";
  if (!form.starts_on || !form.ends_on) return found;
  const total = totalDays(form);
  if (total === 0) found.ends_on = "结束日期不能早于开始日期";
  else if (total > MAX_DAYS) found.ends_on = `训练营最长 ${MAX_DAYS} 天`;
  return found;
}

/** Fields of the deal that nobody filled in. What its numbers can't be, the service says. */
function policyProblems({ refund_policy: policy }: CampForm): Problems {
  return underPolicy(gapsIn(policy, null));
}

/** The same at the fields of the form. */
export function underPolicy(found: Problems): Problems {
  return Object.fromEntries(Object.entries(found).map(([field, text]) => [`${POLICY}.${field}`, text]));
}

function publishedProblems(form: CampForm, camp: Camp): Problems {
  const found: Problems = {};
  if ((form.capacity ?? MAX_CAPACITY) < camp.capacity)
    found.capacity = `发布后人数上限只能增加，不能少于 ${camp.capacity}`;
  for (const name of ["group_qr_key", "enroll_opens_at", "enroll_closes_at"] as const)
    if (!form[name]) found[name] = "发布后不能留空";
  if (form.coach_ids.length === 0) found.coach_ids = "至少需要一名教练";
  return found;
}

/** What publishing needs beyond a draft, by field name. */
export function missingToPublish(form: CampForm): Problems {
  const found: Problems = {};
  if (!form.group_qr_key) found.group_qr_key = "发布前须上传群二维码";
  if (!form.planet_id) found.planet_id = "发布前须选择星球";
  if (!form.checkin_id) found.checkin_id = "发布前须选择打卡项目";
  if (form.coach_ids.length === 0) found.coach_ids = "发布前须选择至少一名教练";
  return found;
}

/** Length of what is read, without the markup; as the service counts it. */
export function readLength(html: string): number {
  return [...textOf(html)].length;
}

/** What is read, one line per paragraph. */
export function linesOf(html: string): string[] {
  return html
    .split(/<\/(?:p|h\d|li|blockquote)>|<br\s*\/?>/i)
    .map(textOf)
    .filter((line) => line.trim() !== "");
}

function textOf(html: string): string {
  return new DOMParser().parseFromString(html, "text/html").body.textContent ?? "";
}

function wallClock(at: string | null): string {
  return at === null ? "" : `${at.slice(0, 10)} ${at.slice(11, 19)}`;
}

function instant(text: string): string | null {
  return text === "" ? null : `${text.replace(" ", "T")}+08:00`;
}

const WORDS: Partial<Record<string, Record<string, string>>> = {
  camp_name_taken: { name: "已有同名的训练营" },
  checkin_project_in_use: { checkin_id: "该打卡项目已被另一个未归档的训练营使用" },
};

/** What the service refused, at the fields it means; empty when it means the whole. */
export function refusedFields(error: ApiError): Problems {
  const named = error.data?.fields;
  if (error.code === "camp_incomplete")
    return Object.fromEntries(Array.isArray(named) ? named.map((name) => [String(name), "发布前必填"]) : []);
  const found = WORDS[error.code] ?? error.fields;
  // Of a camp whose deal is stored as a mere number of days.
  const { required_days: days, ...others } = found;
  return days === undefined ? found : { ...others, [`${POLICY}.${PLAIN_DAYS}`]: days };
}
