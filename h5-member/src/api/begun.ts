/**
 * index.html asks for what the first page is about to show, before this code has arrived. Who then wants the same
 * takes that request over instead of sending another.
 */
import type { Outcome } from "@shared/api";

declare global {
  interface Window {
    /** Set by index.html. `data` of its answer is still text. */
    begun?: { url: string; outcome: Promise<Outcome> };
  }
}

/** The request under way for `url`, once; null when there is none. */
export function takeBegun(url: string): Promise<Outcome> | null {
  const begun = window.begun;
  if (begun?.url !== url) return null;
  window.begun = undefined;
  return begun.outcome.then(({ code, response, requestId }) => ({
    code,
    requestId,
    response: response && { status: response.status, data: parsed(response.data) },
  }));
}

function parsed(text: unknown): unknown {
  try {
    return JSON.parse(String(text)) as unknown;
  } catch {
    return text;
  }
}
