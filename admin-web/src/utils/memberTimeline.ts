/** What happened to a member: what staff did (audit log) and what became of the match (state history), in one row. */
import type { Schemas } from "@/api/client";
import { MATCH_METHOD, MATCH_STATUS } from "@/utils/labels";

type Change = Schemas["MatchChangeOut"];
type Act = Schemas["MemberActionOut"];

export interface Moment {
  at: string;
  who: string;
  what: string;
  /** Values before and after, in words. */
  details: string[];
  note: string | null;
}

const ACTS: Record<string, string> = {
  "member.match": "手动匹配",
  "member.unmatch": "取消匹配",
  "member.close": "标记无法匹配",
  "member.reopen": "重新打开匹配",
  "member.correct": "会员修改星球信息",
  "member.join": "标记进群",
  "member.unjoin": "取消进群标记",
  "member.grant": "认定打卡",
};

const FIELDS: Record<string, string> = {
  match_status: "匹配状态",
  confidence: "置信度",
  match_method: "匹配方式",
  planet_user_id: "星球用户ID",
  planet_nickname: "星球昵称",
  planet_number: "星球编号",
};

/** An act and the change of state it made are written in one transaction, moments apart. */
const SAME_ACT_MS = 2000;

/** Newest first. A change of state that one of the acts made is told once, by the act. */
export function timelineOf(history: readonly Change[], actions: readonly Act[]): Moment[] {
  const told = (change: Change) =>
    actions.some(
      (act) =>
        act.action === `member.${change.event}` &&
        act.actor_name === change.actor_name &&
        Math.abs(Date.parse(act.at) - Date.parse(change.at)) < SAME_ACT_MS,
    );
  return [...actions.map(momentOfAct), ...history.filter((change) => !told(change)).map(momentOfChange)].sort(
    (one, other) => Date.parse(other.at) - Date.parse(one.at),
  );
}

function momentOfAct({ action, actor_name, before, after, note, at }: Act): Moment {
  const known = Object.keys(FIELDS).filter((field) => field in (after ?? {}) || field in (before ?? {}));
  const details = known
    .map((field) => [field, valueText(field, before?.[field]), valueText(field, after?.[field])] as const)
    .filter(([, was, is]) => was !== is)
    .map(([field, was, is]) => `${FIELDS[field] ?? field}：${was} → ${is}`);
  return { at, who: actor_name, what: ACTS[action] ?? action, details, note };
}

function momentOfChange({ from_state, to_state, actor_name, note, at }: Change): Moment {
  const change = `${valueText("match_status", from_state)} → ${valueText("match_status", to_state)}`;
  return { at, who: actor_name, what: "匹配结果变化", details: [change], note };
}

const isStatus = (text: string): text is Schemas["MatchStatus"] => text in MATCH_STATUS;
const isMethod = (text: string): text is Schemas["MatchMethod"] => text in MATCH_METHOD;

function valueText(field: string, value: unknown): string {
  if (typeof value === "number") return String(value);
  if (typeof value !== "string" || value === "") return "无";
  if (field === "match_status" && isStatus(value)) return MATCH_STATUS[value].text;
  if (field === "match_method" && isMethod(value)) return MATCH_METHOD[value];
  return value;
}
