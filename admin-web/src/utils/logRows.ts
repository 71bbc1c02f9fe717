/** Rows of the audit log: what they say in short, and where their target is shown. */
import type { RouteLocationRaw } from "vue-router";

import type { Schemas } from "@/api/client";

type Log = Schemas["LogOut"];

const MOST_CHANGES = 3;

/** One line for the table. */
export function summaryOf({ changes, note, error }: Pick<Log, "changes" | "note" | "error">): string {
  const told = changes
    .slice(0, MOST_CHANGES)
    .map(({ field, before, after }) => `${field}：${before === null ? "" : `${before} → `}${after ?? "—"}`);
  if (changes.length > MOST_CHANGES) told.push(`等 ${changes.length} 项`);
  return [error, ...told, note].filter(Boolean).join("；") || "—";
}

/** The page that shows the target, where there is one. */
export function targetPage(log: Log): RouteLocationRaw | null {
  const { target_id: id, target_name: name } = log;
  switch (log.target_type) {
    case "camp":
      return id ? { name: "camp", params: { id } } : null;
    case "member":
      return id ? { name: "member", params: { id } } : null;
    case "staff":
      return name ? { name: "users", query: { q: name } } : null;
    case "refund":
      return name ? { name: "refunds", query: { q: name } } : null;
    case "planet":
      return name ? { name: "planets", query: { q: name } } : null;
    case "sync_run":
      return { name: "sync-logs", query: log.camp_id ? { camp_id: log.camp_id } : {} };
    case "reconciliation_case":
      return { name: "reconciliation" };
    default:
      return null;
  }
}
