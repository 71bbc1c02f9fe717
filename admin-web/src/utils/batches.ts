import type { Schemas } from "@/api/client";

/** Why rows of a batch were left alone, most frequent first. */
export function skippedIn(batch: Schemas["BatchOut"]): { text: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const line of batch.results)
    if (!line.ok) counts.set(line.message, (counts.get(line.message) ?? 0) + 1);
  return [...counts].map(([text, count]) => ({ text, count })).sort((a, b) => b.count - a.count);
}
