/** 0.805 → "80.5%"; nothing to divide by is a dash. */
export function percent(rate: number | null): string {
  if (rate === null || !Number.isFinite(rate)) return "–";
  return `${(Math.round(rate * 1000) / 10).toString()}%`;
}

/** One part of a whole; null when there is no whole. */
export function share(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null;
}
