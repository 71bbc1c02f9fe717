/**
 * index.html asks for what the first page is about to show, before this code has arrived. Who then wants the same
 * takes that request over instead of sending another.
 */
import type { Outcome } from "@shared/api";

declare global {
  interface Window {
    /** Set by index.html. `data` of an answer is still text; `token` is whose answer it is. */
    begun?: { url: string; token: string | null; outcome: Promise<Outcome> }[];
  }
}

/** The request under way for `url` and this person, once; null when there is none. */
export function takeBegun(url: string, token: string | null): Promise<Outcome> | null {
  const found = window.begun?.find((one) => one.url === url && one.token === token);
  if (found === undefined) return null;
  window.begun = window.begun?.filter((one) => one !== found);
  return found.outcome.then(({ code, response, requestId }) => ({
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
