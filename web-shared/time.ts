/**
 * Days and instants as the service writes them: `2026-03-01`, and RFC 3339 on a Shanghai clock. They are shown
 * as they stand in the text, so that the phone's own clock and zone change nothing.
 */

const WEEKDAYS = ["周日", "周一", "周二", "周三", "周四", "周五", "周六"] as const;

/** "2026-03-01" → "3月1日". */
export function monthDay(day: string): string {
  const [, month, date] = numbers(day);
  return `${month}月${date}日`;
}

/** "2026-03-01" → "2026年3月1日". */
export function fullDay(day: string): string {
  const [year] = numbers(day);
  return `${year}年${monthDay(day)}`;
}

/** Both ends of a range; the second year only when it differs. */
export function dayRange(from: string, to: string): string {
  return from.slice(0, 4) === to.slice(0, 4)
    ? `${fullDay(from)} – ${monthDay(to)}`
    : `${fullDay(from)} – ${fullDay(to)}`;
}

/** "2026-03-01T09:05:00+08:00" → "3月1日 09:05". */
export function dateTime(instant: string): string {
  return `${monthDay(instant)} ${instant.slice(11, 16)}`;
}

/** As dateTime, with the year. */
export function fullDateTime(instant: string): string {
  return `${fullDay(instant)} ${instant.slice(11, 16)}`;
}

/** 0 is Sunday. */
export function weekdayIndex(day: string): number {
  const [year, month, date] = numbers(day);
  return new Date(Date.UTC(year, month - 1, date)).getUTCDay();
}

export function weekday(day: string): string {
  return WEEKDAYS[weekdayIndex(day)] ?? "";
}

/** 125 → "02:05"; from an hour on "1:00:05". */
export function countdown(seconds: number): string {
  const left = Math.max(0, Math.floor(seconds));
  const two = (value: number) => String(value).padStart(2, "0");
  const hours = Math.floor(left / 3600);
  const rest = `${two(Math.floor(left / 60) % 60)}:${two(left % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}

function numbers(day: string): [number, number, number] {
  return [Number(day.slice(0, 4)), Number(day.slice(5, 7)), Number(day.slice(8, 10))];
}
