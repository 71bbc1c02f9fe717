/** Steps of a deal: from so many days on so many percent. */

/** Null while a number isn't typed yet. */
export interface Tier {
  from_day: number | null;
  percent: number | null;
}

/** The service's own limit. */
export const MOST_TIERS = 10;

const isTier = (value: unknown): value is Tier =>
  typeof value === "object" && value !== null && "from_day" in value && "percent" in value;

/** No steps yet, or rows as the service writes them. */
export const isTiers = (value: unknown): value is Tier[] | null | undefined =>
  value === null || value === undefined || (Array.isArray(value) && value.every(isTier));

/** One more step before the last one, which brings all of it back. */
export function withTier(tiers: readonly Tier[]): Tier[] {
  const last = tiers.at(-1) ?? { from_day: null, percent: 100 };
  return [...tiers.slice(0, -1), { from_day: null, percent: null }, last];
}
