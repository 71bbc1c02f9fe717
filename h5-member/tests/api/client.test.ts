import { beforeEach, describe, expect, it, vi } from "vitest";

import { api, ApiError, asApiError, onRefusedToken, useToken } from "@/api/client";

import { ok, on, refusal, release, sent, stubNetwork, type Outcome } from "../support/network";

beforeEach(() => {
  stubNetwork();
  useToken(null);
  onRefusedToken(() => undefined);
});

async function failureOf(promise: Promise<unknown>): Promise<ApiError> {
  const thrown: unknown = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(ApiError);
  return thrown as ApiError;
}

describe("a request", () => {
  it("carries path, query, body, token and an id of its own", async () => {
    useToken("secret");
    on(/./, ok({ items: [] }));
    await api.get("/api/h5/camps", { query: { status: ["enrolling", "ongoing"], page: 2 } });
    await api.get("/api/h5/camps/{camp_id}", { path: { camp_id: "a/b?c" } });
    const body = {
      camp_id: "c1",
      channel: "h5",
      planet_nickname: "n",
      planet_number: "1",
      wechat_nickname: "w",
    } as const;
    await api.post("/api/h5/payments", { body });
    expect(sent.map((one) => `${one.method} ${one.url}`)).toEqual([
      "GET /api/h5/camps?status=enrolling&status=ongoing&page=2",
      "GET /api/h5/camps/a%2Fb%3Fc",
      "POST /api/h5/payments",
    ]);
    expect(sent[2]?.body).toEqual(body);
    for (const { headers } of sent) expect(headers.Authorization).toBe("Bearer secret");
    const ids = sent.map(({ headers }) => headers["X-Request-Id"]);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set(ids).size).toBe(3);
  });

  it("names nobody without a token", async () => {
    on(/./, ok(null));
    await api.get("/api/h5/me");
    expect(sent[0]?.headers).not.toHaveProperty("Authorization");
  });

  it("gives the data of the answer", async () => {
    on(/./, ok({ token: "t" }));
    expect(await api.post("/api/h5/auth/guest")).toEqual({ token: "t" });
  });
});

describe("a failure", () => {
  it.each<[string, Outcome, Partial<ApiError>]>([
    ["no network", "offline", { code: "offline", message: "网络连接失败，请检查网络后重试", status: 0 }],
    ["no answer in time", "timeout", { code: "timeout", message: "网络有点慢，请重试", status: 0 }],
    [
      "a refusal in the service's words",
      refusal(409, "camp_full", "名额已满"),
      { code: "camp_full", message: "名额已满", requestId: "r2", status: 409 },
    ],
    [
      "a failure of the service",
      refusal(503, "unavailable", "服务暂时不可用，请稍后再试"),
      { code: "unavailable", requestId: "r2", status: 503 },
    ],
    ["a page of the web server", { status: 502, body: "<html>" }, { code: "unreadable", status: 502 }],
    [
      "the web server's limit",
      { status: 429, body: "" },
      { code: "unreadable", message: "操作太频繁，请稍后再试", status: 429 },
    ],
    ["a good answer of somebody else", { status: 200, body: "<html>" }, { code: "unreadable", status: 200 }],
    ["JSON that is no answer", { status: 200, body: "[1]" }, { code: "unreadable", status: 200 }],
  ])("is an ApiError for %s, and is not tried again", async (_, outcome, expected) => {
    on(/./, outcome);
    expect(await failureOf(api.get("/api/h5/me"))).toMatchObject(expected);
    expect(sent).toHaveLength(1);
  });

  it("has an id to ask support about, also when there was no answer", async () => {
    on(/./, "offline");
    const error = await failureOf(api.post("/api/h5/messages/read"));
    expect(error.requestId).toBe(sent[0]?.headers["X-Request-Id"]);
  });

  it("is never repeated, even when money is ordered", async () => {
    on(/./, "timeout");
    const body = {
      camp_id: "c",
      channel: "h5",
      planet_nickname: "n",
      planet_number: "1",
      wechat_nickname: "w",
    } as const;
    await failureOf(api.post("/api/h5/payments", { body }));
    expect(sent).toHaveLength(1);
  });

  it("tells what is wrong with each field", async () => {
    const fields = [{ field: "planet_number", message: "只能是数字" }, { field: "x" }, null];
    on(/./, refusal(422, "validation_error", "提交的内容有误", { fields }));
    expect((await failureOf(api.get("/api/h5/me"))).fields).toEqual({ planet_number: "只能是数字" });
    expect(new ApiError("conflict", "", "").fields).toEqual({});
  });

  it("of our own is calm, too", () => {
    expect(asApiError(new TypeError("x is undefined"))).toMatchObject({
      code: "unreadable",
      message: "页面出了点问题，请重试",
    });
  });
});

describe("a token that is refused", () => {
  const expired = refusal(401, "unauthenticated", "登录已失效，请重新进入");

  it("is told about once per request", async () => {
    const told = vi.fn();
    onRefusedToken(told);
    useToken("old");
    on(/./, expired);
    await failureOf(api.get("/api/h5/me"));
    expect(told).toHaveBeenCalledTimes(1);
  });

  it("is not the one that replaced it meanwhile", async () => {
    const told = vi.fn();
    onRefusedToken(told);
    useToken("old");
    on(/./, "later");
    const asked = failureOf(api.get("/api/h5/me"));
    await Promise.resolve();
    await Promise.resolve();
    useToken("new");
    on(/./, expired);
    release();
    await asked;
    expect(told).not.toHaveBeenCalled();
  });

  it("was never there for somebody not logged in", async () => {
    const told = vi.fn();
    onRefusedToken(told);
    on(/./, expired);
    await failureOf(api.get("/api/h5/me"));
    expect(told).not.toHaveBeenCalled();
  });
});
