/** What the service's figures about a member's days mean. Nothing here looks at the phone's calendar. */
import type { Schemas } from "@/api/client";

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
export function elapsedDays({ calendar, today }: Pick<Progress, "calendar" | "today">): number {
  return calendar.filter(({ day }) => day <= today).length;
}

export type DayState = Schemas["DayState"] | "uncounted";

/** In the order of a legend: days that count, days that needn't, days that don't, days to come. */
export const STATES: DayState[] = [
  "checked",
  "makeup",
  "appeal",
  "coach",
  "leave",
  "amnesty",
  "rest",
  "missed",
  "today",
  "uncounted",
  "future",
];

export interface ShownDay {
  day: string;
  state: DayState;
  isToday: boolean;
}

/** The calendar, in which days that have passed without having been counted are told from those to come. */
export function shownDays({ calendar, today }: Pick<Progress, "calendar" | "today">): ShownDay[] {
  return calendar.map(({ day, state }) => ({
    day,
    state: state === "future" && day < today ? "uncounted" : state,
    isToday: day === today,
  }));
}

/** Days that have passed and that the next sync may still count. */
export function uncountedDays(progress: Pick<Progress, "calendar" | "today">): number {
  return shownDays(progress).filter((day) => day.state === "uncounted").length;
}

const MAY_COUNT: Record<Schemas["DayState"], boolean> = {
  checked: true,
  makeup: true,
  appeal: true,
  coach: true,
  leave: true,
  missed: false,
  amnesty: false,
  rest: false,
  today: false,
  future: false,
};

/** The ranking gave a number of days, but the posts behind it could not be read. */
export function lacksDates({ days, calendar }: Pick<Progress, "days" | "calendar">): boolean {
  return calendar.filter((day) => MAY_COUNT[day.state]).length < days;
}

/** "3/7 天", or "3 天" of a deal that asks for no number. */
export function tally({ days, required_days }: Pick<Progress, "days" | "required_days">): string {
  return required_days === null ? `${days} 天` : `${days}/${required_days} 天`;
}
