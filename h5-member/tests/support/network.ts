/** Stands in for the network at its border: what the app sends through XMLHttpRequest, and what comes back. */
import { vi } from "vitest";

export interface Sent {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: unknown;
}

/** An answer, or what else may happen on the way. `later` waits until `release` is called. */
export type Outcome = { status: number; body: string } | "offline" | "timeout" | "later";

/** Everything sent, in order. */
export const sent: Sent[] = [];

let outcomes: { test: RegExp; outcome: Outcome | (() => Outcome) }[] = [];
let waiting: (() => void)[] = [];

export function ok(data: unknown): Outcome {
  return { status: 200, body: JSON.stringify({ code: "ok", message: "", data, request_id: "r1" }) };
}

export function refusal(status: number, code: string, message: string, data: unknown = null): Outcome {
  return { status, body: JSON.stringify({ code, message, data, request_id: "r2" }) };
}

/** From now on requests like "GET /api/h5/me" end so. The latest word counts. */
export function on(test: RegExp, outcome: Outcome | (() => Outcome)): void {
  outcomes.unshift({ test, outcome });
}

/** What waits `later` goes on, by what holds then. */
export function release(): void {
  const all = waiting;
  waiting = [];
  for (const go of all) go();
}

export function count(test: RegExp): number {
  return sent.filter((one) => test.test(`${one.method} ${one.url}`)).length;
}

/** What the service says that a request was called. */
export const ANSWERED_ID = "answered-id";

class FakeRequest {
  onload: (() => void) | null = null;
  onloadend: (() => void) | null = null;
  onerror: ((event: object) => void) | null = null;
  ontimeout: (() => void) | null = null;
  onabort: (() => void) | null = null;
  timeout = 0;
  status = 0;
  statusText = "";
  responseText = "";
  responseURL = "";
  private one: Sent = { method: "", url: "", headers: {}, body: null };

  open(method: string, url: string): void {
    this.one = { method, url, headers: {}, body: null };
  }

  setRequestHeader(name: string, value: string): void {
    this.one.headers[name] = value;
  }

  getAllResponseHeaders(): string {
    return "content-type: application/json\r\n";
  }

  getResponseHeader(name: string): string | null {
    return name === "X-Request-Id" ? ANSWERED_ID : null;
  }

  send(body: unknown): void {
    this.one.body = typeof body === "string" ? (JSON.parse(body) as unknown) : (body ?? null);
    sent.push(this.one);
    void Promise.resolve().then(() => {
      this.settle();
    });
  }

  private settle(): void {
    const call = `${this.one.method} ${this.one.url}`;
    const found = outcomes.find(({ test }) => test.test(call));
    if (found === undefined) throw new Error(`nothing answers ${call}`);
    const outcome = typeof found.outcome === "function" ? found.outcome() : found.outcome;
    if (outcome === "later") {
      waiting.push(() => {
        this.settle();
      });
    } else if (outcome === "offline") {
      this.onerror?.({});
    } else if (outcome === "timeout") {
      this.ontimeout?.();
    } else {
      this.status = outcome.status;
      this.responseText = outcome.body;
      this.onload?.();
      this.onloadend?.();
    }
  }
}

/** Before each test. */
export function stubNetwork(): void {
  sent.length = 0;
  outcomes = [];
  waiting = [];
  vi.stubGlobal("XMLHttpRequest", FakeRequest);
}
