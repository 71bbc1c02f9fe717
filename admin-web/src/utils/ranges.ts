/** Ranges of days that reports are asked for; both days are included. */
import { monthOf, quarterOf, weekOf } from "@/utils/days";

export interface Range {
  from: string;
  to: string;
}

const NAMED: { name: string; of: (today: string) => [string, string] }[] = [
  { name: "本周", of: weekOf },
  { name: "本月", of: (today) => monthOf(today) },
  { name: "上月", of: (today) => monthOf(today, -1) },
  { name: "本季度", of: quarterOf },
];

export const RANGE_NAMES = NAMED.map((one) => one.name);

/** The days of a named range. */
export function rangeNamed(name: string, today: string): Range | null {
  const [from, to] = NAMED.find((one) => one.name === name)?.of(today) ?? [];
  return from && to ? { from, to } : null;
}

/** What a range is called; days that have no name are 自定义. */
export function nameOf(range: Range, today: string): string {
  const found = NAMED.find(({ of }) => {
    const [from, to] = of(today);
    return from === range.from && to === range.to;
  });
  return found?.name ?? "自定义";
}
