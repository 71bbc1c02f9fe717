/**
 * The one way to the service: adds token and request id, unwraps the answer, turns every failure into an
 * ApiError. Shows nothing, and never sends a request twice.
 *
 * Paths, parameters, bodies and answers are checked against the generated types.
 */
import axios, { isAxiosError } from "axios";

import { takeBegun, type Outcome } from "./begun";
import type { components, paths } from "./schema.gen";

export type Schemas = components["schemas"];

/** A refusal of the service, or one of what can go wrong on the way to it. */
export type ErrorCode = Schemas["ErrorCode"] | "offline" | "timeout" | "unreadable";

/** `message` is Chinese and fit to be shown; `requestId` finds the request in the service's log. */
export class ApiError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly requestId: string,
    readonly status = 0,
    readonly data: Record<string, unknown> | null = null,
  ) {
    super(message);
    this.name = "ApiError";
  }

  /** What is wrong with single fields of a form, by field name. */
  get fields(): Record<string, string> {
    const found = this.data?.fields;
    const texts: Record<string, string> = {};
    if (Array.isArray(found)) for (const item of found.filter(isField)) texts[item.field] = item.message;
    return texts;
  }
}

function isField(value: unknown): value is { field: string; message: string } {
  return typeof value === "object" && value !== null && "field" in value && "message" in value;
}

/** Whatever was thrown, as an ApiError. */
export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError("unreadable", "页面出了点问题，请重试", "");
}

export const TIMEOUT_MS = 10_000;

const http = axios.create({ timeout: TIMEOUT_MS, adapter: "xhr" });

let token: string | null = null;
let refused: () => void = () => undefined;

/** The member's token for every request from now on. */
export function useToken(value: string | null): void {
  token = value;
}

/** What to do when the service doesn't accept the token any more. Not called for a token replaced meanwhile. */
export function onRefusedToken(act: () => void): void {
  refused = act;
}

type Method = "get" | "post" | "put";
type PathsWith<M extends Method> = {
  [P in keyof paths]: paths[P][M] extends object ? P : never;
}[keyof paths];
type Answered<O> = O extends { responses: { 200: { content: { "application/json": { data: infer D } } } } }
  ? D
  : never;
type Wanted<O> = (O extends { parameters: { path: infer T extends Record<string, string> } }
  ? { path: T }
  : { path?: never }) &
  (O extends { parameters: { query?: infer T extends object } } ? { query?: T } : { query?: never }) &
  (O extends { requestBody: { content: { "application/json": infer T } } } ? { body: T } : { body?: never });
type Arguments<O> = Record<string, never> extends Wanted<O> ? [wanted?: Wanted<O>] : [wanted: Wanted<O>];

export const api = {
  get: <P extends PathsWith<"get">>(path: P, ...[wanted]: Arguments<paths[P]["get"]>) =>
    send<Answered<paths[P]["get"]>>("get", path, wanted),
  post: <P extends PathsWith<"post">>(path: P, ...[wanted]: Arguments<paths[P]["post"]>) =>
    send<Answered<paths[P]["post"]>>("post", path, wanted),
  put: <P extends PathsWith<"put">>(path: P, ...[wanted]: Arguments<paths[P]["put"]>) =>
    send<Answered<paths[P]["put"]>>("put", path, wanted),
};

interface Sent {
  path?: Record<string, string>;
  query?: object;
  body?: unknown;
}

async function send<D>(method: Method, path: string, wanted: Sent = {}): Promise<D> {
  const request = {
    method,
    url: path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(wanted.path?.[name] ?? "")),
    params: wanted.query,
    paramsSerializer: { indexes: null },
  };
  const begun = method === "get" ? takeBegun(http.getUri(request)) : null;
  if (begun !== null) return dataOf(await begun, "");

  const requestId = newRequestId();
  const headers: Record<string, string> = { "X-Request-Id": requestId };
  const used = token;
  if (used !== null) headers.Authorization = `Bearer ${used}`;
  try {
    return dataOf(
      { response: await http.request<unknown>({ ...request, data: wanted.body, headers }) },
      requestId,
    );
  } catch (error) {
    if (!isAxiosError(error)) throw error;
    const failed = failure(error, requestId);
    if (failed.code === "unauthenticated" && used !== null && used === token) refused();
    throw failed;
  }
}

function dataOf<D>(outcome: Outcome, requestId: string): D {
  const { response } = outcome;
  if (response === undefined || response.status >= 300) throw failure(outcome, requestId);
  if (!isAnswer(response.data)) throw unreadable(requestId, response.status);
  return response.data.data as D;
}

interface Answer {
  code: string;
  message: string;
  data: unknown;
  request_id: string;
}

function isAnswer(value: unknown): value is Answer {
  return typeof value === "object" && value !== null && "code" in value && "data" in value;
}

function failure({ code, response }: Outcome, requestId: string): ApiError {
  if (response === undefined) {
    return code === "ECONNABORTED" || code === "ETIMEDOUT"
      ? new ApiError("timeout", "网络有点慢，请重试", requestId)
      : new ApiError("offline", "网络连接失败，请检查网络后重试", requestId);
  }
  const { status, data } = response;
  if (!isAnswer(data)) return unreadable(requestId, status);
  const refusal = data as Schemas["Refusal"];
  return new ApiError(refusal.code, refusal.message, refusal.request_id, status, refusal.data);
}

function unreadable(requestId: string, status: number): ApiError {
  const message = status === 429 ? "操作太频繁，请稍后再试" : "服务暂时不可用，请稍后重试";
  return new ApiError("unreadable", message, requestId, status);
}

/** 32 hexadecimal digits; `crypto.randomUUID` is missing in older WebViews. */
function newRequestId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
