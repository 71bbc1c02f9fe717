/** Which days can be granted; the service decides again. */
import type { Schemas } from "@/api/client";

type Day = Schemas["CalendarDayOut"];
type CampStatus = Schemas["CampStatus"];

/** As long as days may be granted at all. */
export const isGrantable = (status: CampStatus): boolean =>
  status === "ongoing" || status === "ended" || status === "settling";

/** Nothing is known of the day that speaks for the member already. */
export const isOpenDay = ({ state }: Day): boolean =>
  state === "missed" || state === "today" || state === "future";

/** The camp's own limit. */
export const MOST_AMNESTIES = 3;

/** Days that were excused for everybody, as any of the members shows them. */
export function excusedDays(rows: readonly { calendar: Day[] }[]): string[] {
  const days = rows.flatMap(({ calendar }) => calendar.filter(({ state }) => state === "amnesty"));
  return [...new Set(days.map(({ day }) => day))].sort();
}
