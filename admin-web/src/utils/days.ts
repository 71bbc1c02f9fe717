/** Arithmetic with calendar days, written `2026-03-01`. */
import { weekdayIndex } from "@shared/time";

export const isDay = (text: string): boolean => /^\d{4}-\d{2}-\d{2}$/.test(text);

/** `days` later; negative is earlier. */
export function addDays(day: string, days: number): string {
  const at = new Date(`${day.slice(0, 10)}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() + days);
  return at.toISOString().slice(0, 10);
}

/** From one day to another, both included; 0 when the second is earlier. */
export function daysBetween(from: string, to: string): number {
  const milliseconds = Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`);
  return Math.max(0, Math.round(milliseconds / 86_400_000) + 1);
}

/** First and last day of the month `offset` months after that of `day`. */
export function monthOf(day: string, offset = 0): [string, string] {
  const year = Number(day.slice(0, 4));
  const month = Number(day.slice(5, 7)) - 1 + offset;
  const text = (at: number) => new Date(at).toISOString().slice(0, 10);
  return [text(Date.UTC(year, month, 1)), text(Date.UTC(year, month + 1, 0))];
}

interface Month<T> {
  title: string;
  days: T[];
  /** Empty places before the first day, in weeks that begin on Monday. */
  before: number;
}

/** Monday and Sunday of a day's week. */
export function weekOf(day: string): [string, string] {
  const monday = addDays(day, -((weekdayIndex(day) + 6) % 7));
  return [monday, addDays(monday, 6)];
}

/** First and last day of a day's quarter. */
export function quarterOf(day: string): [string, string] {
  const into = (Number(day.slice(5, 7)) - 1) % 3;
  return [monthOf(day, -into)[0], monthOf(day, 2 - into)[1]];
}

/** Days in their order, month by month. */
export function byMonth<T extends { day: string }>(days: T[]): Month<T>[] {
  const found = new Map<string, T[]>();
  for (const day of days) {
    const month = day.day.slice(0, 7);
    found.set(month, [...(found.get(month) ?? []), day]);
  }
  return [...found].map(([month, own]) => ({
    title: `${month.slice(0, 4)}年${Number(month.slice(5, 7))}月`,
    days: own,
    before: (weekdayIndex(own[0]?.day ?? `${month}-01`) + 6) % 7,
  }));
}

/** Today in Shanghai by this machine's clock: good for a proposal, never for a decision. */
export function today(): string {
  return new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Shanghai" }).format();
}
