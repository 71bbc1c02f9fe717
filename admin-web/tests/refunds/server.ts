/** A service behind XMLHttpRequest: answers by method and path, and keeps what it was asked. */
import { afterEach, beforeEach, vi } from "vitest";

export interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  body: Record<string, unknown>;
}
export type Answer = { data: unknown } | { status: number; code: string; message: string; data?: unknown };
type Handler = (asked: Asked) => Answer | Promise<Answer>;

export interface Server {
  asked: Asked[];
  on: (method: string, path: string, handler: Handler) => void;
}

export function useServer(): Server {
  const handlers = new Map<string, Handler>();
  const server: Server = {
    asked: [],
    on: (method, path, handler) => handlers.set(`${method} ${path}`, handler),
  };

  class Request extends EventTarget {
    status = 0;
    responseText = "";
    response = "";
    readyState = 0;
    responseURL = "";
    onloadend: (() => void) | null = null;
    upload = new EventTarget();
    private method = "";
    private url = new URL("http://service");
    open(method: string, url: string): void {
      this.method = method.toUpperCase();
      this.url = new URL(url, "http://service");
    }
    setRequestHeader(): void {
      // Headers are the client's business, tested with it.
    }
    getAllResponseHeaders = () => "content-type: application/json";
    abort = () => undefined;
    async send(sent: unknown): Promise<void> {
      const asked: Asked = {
        method: this.method,
        path: this.url.pathname,
        query: this.url.searchParams,
        body: typeof sent === "string" ? (JSON.parse(sent) as Record<string, unknown>) : {},
      };
      server.asked.push(asked);
      const handler = handlers.get(`${asked.method} ${asked.path}`);
      const answer: Answer = handler
        ? await handler(asked)
        : { status: 404, code: "not_found", message: "不存在" };
      const failed = "status" in answer;
      this.status = failed ? answer.status : 200;
      this.response = this.responseText = JSON.stringify({
        code: failed ? answer.code : "ok",
        message: failed ? answer.message : "",
        data: answer.data ?? null,
        request_id: "r",
      });
      this.readyState = 4;
      this.onloadend?.();
    }
  }

  beforeEach(() => {
    server.asked.length = 0;
    handlers.clear();
    vi.stubGlobal("XMLHttpRequest", Request);
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });
  return server;
}
