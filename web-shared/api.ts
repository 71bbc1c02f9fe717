/**
 * The one way to the service: adds token and request id, unwraps the answer, turns every failure into an
 * ApiError. Shows nothing, and never sends a request twice.
 *
 * Paths, parameters, bodies and answers are checked against an audience's generated types.
 */
import axios, { isAxiosError, type AxiosRequestConfig, type AxiosResponse } from "axios";

/** `message` is Chinese and fit to be shown; `requestId` finds the request in the service's log. */
export class ApiError<Code extends string = string> extends Error {
  constructor(
    /** The service's name of what went wrong, or `offline`, `timeout`, `unreadable`. */
    readonly code: Code | WayCode,
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
    return Array.isArray(found)
      ? Object.fromEntries(found.filter(isField).map((item) => [item.field, item.message]))
      : {};
  }
}

/** What can go wrong on the way to the service and back. */
export type WayCode = "offline" | "timeout" | "unreadable";

function isField(value: unknown): value is { field: string; message: string } {
  return typeof value === "object" && value !== null && "field" in value && "message" in value;
}

/** Whatever was thrown, as an ApiError. */
export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError("unreadable", "页面出了点问题，请重试", "");
}

type Method = "get" | "post" | "put" | "delete";
type Operation<Paths, P extends keyof Paths, M extends Method> =
  Paths[P] extends Record<M, infer O> ? O : never;
type PathsWith<Paths, M extends Method> = {
  [P in keyof Paths]: Operation<Paths, P, M> extends object ? P : never;
}[keyof Paths] &
  string;
type Answered<O> = O extends {
  responses: { 200: { content: { "application/json": { data: infer D } } } };
}
  ? D
  : never;
type Wanted<O> = (O extends {
  parameters: { path: infer T extends Record<string, string> };
}
  ? { path: T }
  : { path?: never }) &
  (O extends { parameters: { query: infer T extends object } }
    ? { query: T }
    : O extends { parameters: { query?: infer T extends object } }
      ? { query?: T }
      : { query?: never }) &
  (O extends { requestBody: { content: { "application/json": infer T } } }
    ? { body: T }
    : O extends { requestBody: { content: { "multipart/form-data": unknown } } }
      ? { body: FormData }
      : O extends { requestBody?: infer B }
        ? { body?: OptionalBody<NonNullable<B>> }
        : { body?: never });
type OptionalBody<B> = B extends { content: { "application/json": infer T } } ? T : never;
type Arguments<O> = Record<string, never> extends Wanted<O> ? [wanted?: Wanted<O>] : [wanted: Wanted<O>];
type Call<Paths, M extends Method> = <P extends PathsWith<Paths, M>>(
  path: P,
  ...wanted: Arguments<Operation<Paths, P, M>>
) => Promise<Answered<Operation<Paths, P, M>>>;

interface Sent {
  path?: Record<string, string>;
  query?: object;
  body?: unknown;
}

export interface Api<Paths> {
  get: Call<Paths, "get">;
  post: Call<Paths, "post">;
  put: Call<Paths, "put">;
  delete: Call<Paths, "delete">;
  /** A file instead of an answer, with the name that the service gives it. */
  download: <P extends PathsWith<Paths, "get">>(
    path: P,
    ...wanted: Arguments<Operation<Paths, P, "get">>
  ) => Promise<{ blob: Blob; name: string }>;
  /** The token for every request from now on. */
  useToken: (token: string | null) => void;
  /** What to do when the service doesn't accept the token any more. Not called for a token replaced meanwhile. */
  onRefusedToken: (act: () => void) => void;
}

/** What came of a request: an answer, or why there is none (axios's codes). */
export interface Outcome {
  code?: string;
  response?: { status: number; data: unknown };
  /** The service's, of a request that was sent without one. */
  requestId?: string | null;
}

const TIMEOUT_MS = 10_000;
/** Pictures and sheets take their time, up and down. */
const FILE_TIMEOUT_MS = 120_000;

/** `takeBegun` hands over a GET of this address with this token that is already on its way, if there is one. */
export function createApi<Paths extends object>(
  takeBegun: (url: string, token: string | null) => Promise<Outcome> | null = () => null,
): Api<Paths> {
  const http = axios.create({ adapter: "xhr", paramsSerializer: { indexes: null } });
  let token: string | null = null;
  let refused: () => void = () => undefined;

  async function failed(outcome: Outcome, requestId: string, used: string | null): Promise<ApiError> {
    const error = await failure(outcome, requestId);
    if (error.code === "unauthenticated" && used !== null && used === token) refused();
    return error;
  }

  async function send(
    path: string,
    sent: Sent,
    more: AxiosRequestConfig & { requestId: string },
  ): Promise<AxiosResponse<unknown>> {
    const { requestId, ...config } = more;
    const headers: Record<string, string> = { "X-Request-Id": requestId };
    const used = token;
    if (used !== null) headers.Authorization = `Bearer ${used}`;
    try {
      return await http.request<unknown>({ ...addressed(path, sent), data: sent.body, headers, ...config });
    } catch (thrown) {
      throw isAxiosError(thrown) ? await failed(thrown, requestId, used) : thrown;
    }
  }

  const call =
    (method: Method) =>
    async (path: string, sent: Sent = {}): Promise<unknown> => {
      const used = token;
      const begun = method === "get" ? takeBegun(http.getUri(addressed(path, sent)), used) : null;
      const ownId = newRequestId();
      const timeout = sent.body instanceof FormData ? FILE_TIMEOUT_MS : TIMEOUT_MS;
      const outcome: Outcome = begun
        ? await begun
        : { response: await send(path, sent, { method, requestId: ownId, timeout }), requestId: ownId };
      const { response, requestId } = outcome;
      if (response === undefined || response.status >= 300)
        throw await failed(outcome, requestId ?? "", used);
      if (!isAnswer(response.data)) throw unreadable(requestId ?? "", response.status);
      return response.data.data;
    };

  async function download(path: string, sent: Sent = {}): Promise<{ blob: Blob; name: string }> {
    const requestId = newRequestId();
    const config = { method: "get", responseType: "blob", timeout: FILE_TIMEOUT_MS, requestId } as const;
    const answer = await send(path, sent, config);
    return { blob: answer.data as Blob, name: fileName(String(answer.headers["content-disposition"] ?? "")) };
  }

  return {
    get: call("get"),
    post: call("post"),
    put: call("put"),
    delete: call("delete"),
    download,
    useToken: (value: string | null) => {
      token = value;
    },
    onRefusedToken: (act: () => void) => {
      refused = act;
    },
    // The implementation is untyped on purpose: the types of every path are in the interface.
  } as unknown as Api<Paths>;
}

function addressed(path: string, { path: values, query }: Sent): { url: string; params?: object } {
  return {
    url: path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values?.[name] ?? "")),
    params: query,
  };
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

async function failure({ code, response }: Outcome, requestId: string): Promise<ApiError> {
  if (response === undefined) {
    return code === "ECONNABORTED" || code === "ETIMEDOUT"
      ? new ApiError("timeout", "网络有点慢，请重试", requestId)
      : new ApiError("offline", "网络连接失败，请检查网络后重试", requestId);
  }
  const data = response.data instanceof Blob ? parsed(await response.data.text()) : response.data;
  if (!isAnswer(data)) return unreadable(requestId, response.status);
  const details = typeof data.data === "object" ? (data.data as Record<string, unknown> | null) : null;
  return new ApiError(data.code, data.message, data.request_id, response.status, details);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

function unreadable(requestId: string, status: number): ApiError {
  const message = status === 429 ? "操作太频繁，请稍后再试" : "服务暂时不可用，请稍后重试";
  return new ApiError("unreadable", message, requestId, status);
}

/** The name in a Content-Disposition header (RFC 6266), the encoded one first. */
function fileName(header: string): string {
  const encoded = /filename\*=(?:UTF-8|utf-8)''([^;]+)/.exec(header)?.[1];
  return encoded ? decodeURIComponent(encoded) : (/filename="?([^";]+)"?/.exec(header)?.[1] ?? "download");
}

/** 32 hexadecimal digits; `crypto.randomUUID` is missing in older WebViews. */
function newRequestId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
