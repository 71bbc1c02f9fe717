/** What the service's figures about a member's days mean. Nothing here looks at the phone's calendar. */
import type { Schemas } from "@/api/client";
import type { Label } from "@/utils/labels";

type Progress = Schemas["ProgressOut"];

/** What a camp is to its members. */
export type Phase = "before" | "running" | "over" | "archived" | "cancelled";

export const PHASE: Record<Schemas["CampStatus"], Phase> = {
  draft: "before",
  enrolling: "before",
  ongoing: "running",
  ended: "over",
  settling: "over",
  archived: "archived",
  cancelled: "cancelled",
};

/** Not over yet: it has a group to join. */
export function isOpen(status: Schemas["CampStatus"]): boolean {
  return PHASE[status] === "before" || PHASE[status] === "running";
}

/** Days of the camp that have begun, today included: 0 before it, `total_days` after it. */
export function elapsedDays(progress: Pick<Progress, "total_days" | "days_left" | "calendar">): number {
  // `days_left` counts today for as long as it isn't earned, and then the calendar says `today`.
  const isTodayOpen = progress.calendar.some((day) => day.state === "today");
  return progress.total_days - progress.days_left + (isTodayOpen ? 1 : 0);
}

export type DayState = Schemas["DayState"] | "uncounted";

export interface ShownDay {
  day: string;
  state: DayState;
  isToday: boolean;
}

/** The calendar, in which days that have passed without having been counted are told from those to come. */
export function shownDays(progress: Progress): ShownDay[] {
  const elapsed = elapsedDays(progress);
  const isRunning = PHASE[progress.camp.status] === "running";
  return progress.calendar.map(({ day, state }, index) => ({
    day,
    state: state === "future" && index < elapsed ? "uncounted" : state,
    isToday: state === "today" || (isRunning && index === elapsed - 1),
  }));
}

/** How many days are missing, and whether they can still be earned. */
export interface Gap {
  missing: number;
  /** Days that have passed and may still be counted by the next sync. */
  uncounted: number;
  /** `maybe`: only if the next sync finds days that have passed. */
  reachable: "yes" | "maybe" | "no";
}

export function gapOf(progress: Progress): Gap {
  const missing = Math.max(0, progress.required_days - progress.days);
  const uncounted = shownDays(progress).filter((day) => day.state === "uncounted").length;
  if (missing === 0 || progress.reachable) return { missing, uncounted, reachable: "yes" };
  return { missing, uncounted, reachable: missing <= progress.days_left + uncounted ? "maybe" : "no" };
}

/** Where the member stands, in one word. */
export function standing(progress: Progress): Label {
  const phase = PHASE[progress.camp.status];
  const gap = gapOf(progress);
  if (progress.verdict === "eligible") return { text: "已达标", tone: "green" };
  if (phase === "before") return { text: "未开始", tone: "grey" };
  if (progress.match_status !== "matched" || gap.missing === 0) return { text: "待确认", tone: "orange" };
  if (phase === "running" && gap.reachable === "yes") return { text: "进行中", tone: "blue" };
  if (gap.reachable === "maybe") return { text: "待同步", tone: "orange" };
  if (progress.verdict === "needs_confirmation") return { text: "待确认", tone: "orange" };
  return { text: "未达标", tone: "red" };
}
