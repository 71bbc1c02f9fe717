/** How a member stands, in words. The service decides; here it is only said. */
import type { Schemas } from "@/api/client";

type Standing = Pick<
  Schemas["MemberOut"],
  "standing" | "match_status" | "days" | "required_days" | "days_left"
>;

/** What is still to do and can be done; empty where nothing is open. */
export function stillToDo(row: Standing): string {
  const { standing, match_status: match, days, required_days: required, days_left: left } = row;
  if (standing !== "in_progress") return "";
  // Nobody knows yet which check-ins are theirs.
  if (match !== "matched") return "匹配后才能统计";
  const open = left > 0 ? `还可打 ${left} 天` : "等待最后一次同步";
  const short = required === null ? 0 : required - days;
  return short > 0 ? `还差 ${short} 天，${open}` : open;
}

/** "6 / 5"; a dash where nobody can read the deal. */
export const daysOf = (row: { days: number | null; required_days: number | null }): string =>
  row.days === null ? "—" : `${row.days} / ${row.required_days ?? "—"}`;
