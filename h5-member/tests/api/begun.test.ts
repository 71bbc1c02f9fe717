/** The script in index.html and the client must mean the same requests, or the first page asks twice. */
import { beforeEach, describe, expect, it, vi } from "vitest";

import { api, onRefusedToken, useToken } from "@/api/client";

import html from "../../index.html?raw";
import { ANSWERED_ID, ok, on, refusal, sent, stubNetwork } from "../support/network";

const script = /<script>([\s\S]*?)<\/script>/.exec(html)?.[1] ?? "";

/** Run the script of index.html as at `path`. */
function begin(path: string): void {
  window.history.replaceState(null, "", path);
  window.eval(script);
}

beforeEach(() => {
  stubNetwork();
  localStorage.clear();
  useToken(null);
  onRefusedToken(() => undefined);
  delete window.begun;
  document.documentElement.className = "";
});

function enrolling(page: number) {
  return api.get("/api/h5/camps", { query: { status: ["enrolling"], page } });
}

describe("what index.html began", () => {
  it("is taken over once by the list", async () => {
    on(/./, ok({ items: [], total: 0, page: 1, page_size: 20 }));
    begin("/");
    expect(await enrolling(1)).toMatchObject({ total: 0 });
    expect(sent).toHaveLength(1);
    await enrolling(1);
    expect(sent).toHaveLength(2);
  });

  it("is the tab in the address", async () => {
    on(/./, ok({ items: [], total: 0, page: 1, page_size: 20 }));
    begin("/?status=ongoing");
    await enrolling(1);
    expect(sent).toHaveLength(2);
    await api.get("/api/h5/camps", { query: { status: ["ongoing"], page: 1 } });
    expect(sent).toHaveLength(2);
  });

  it.each(["/camps/0190a000-0000-7000-8000-000000000001", "/enroll/0190a000-0000-7000-8000-000000000001"])(
    "is the camp of %s",
    async (path) => {
      on(/./, ok({ name: "营" }));
      begin(path);
      const id = path.split("/")[2] ?? "";
      expect(await api.get("/api/h5/camps/{camp_id}", { path: { camp_id: id } })).toEqual({ name: "营" });
      expect(sent.map((one) => one.url)).toEqual([`/api/h5/camps/${id}`]);
    },
  );

  it("is also what the form needs of the person, but only for this person", async () => {
    localStorage.setItem("camp:token", JSON.stringify("mine"));
    const me = { payer: { wechat: true }, memberships: [], orders: [], unread: 0, form: null };
    on(/me$/, ok(me));
    on(/./, ok({ name: "营" }));
    begin("/enroll/c1");
    expect(sent.map(({ url, headers }) => [url, headers.Authorization])).toEqual([
      ["/api/h5/camps/c1", "Bearer mine"],
      ["/api/h5/me", "Bearer mine"],
    ]);
    useToken("another");
    await api.get("/api/h5/me");
    expect(sent).toHaveLength(3);
    useToken("mine");
    await api.get("/api/h5/me");
    expect(sent).toHaveLength(3);
  });

  it("tells of a refused token as any other request", async () => {
    localStorage.setItem("camp:token", JSON.stringify("old"));
    useToken("old");
    const told = vi.fn();
    onRefusedToken(told);
    on(/./, refusal(401, "unauthenticated", "请先登录"));
    begin("/enroll/c1");
    await expect(api.get("/api/h5/me")).rejects.toMatchObject({ code: "unauthenticated" });
    expect(told).toHaveBeenCalledOnce();
  });

  it.each(["/me", "/camps/", "/camps/../me", "/progress/m1", "/login?to=/"])("is nothing on %s", (path) => {
    begin(path);
    expect(sent).toHaveLength(0);
  });

  it("fails as any other request", async () => {
    begin("/camps/c1");
    on(/./, refusal(404, "not_found", "训练营不存在或尚未发布"));
    const read = api.get("/api/h5/camps/{camp_id}", { path: { camp_id: "c1" } });
    await expect(read).rejects.toMatchObject({ code: "not_found", status: 404, requestId: "r2" });

    begin("/");
    on(/./, "timeout");
    await expect(enrolling(1)).rejects.toMatchObject({ code: "timeout" });

    begin("/");
    on(/./, "offline");
    await expect(enrolling(1)).rejects.toMatchObject({ code: "offline" });

    begin("/");
    on(/./, { status: 200, body: "<html>" });
    await expect(enrolling(1)).rejects.toMatchObject({ code: "unreadable", requestId: ANSWERED_ID });
    expect(sent).toHaveLength(4);
  });
});

it("shows the shape of the list only where the list will stand", () => {
  on(/./, ok(null));
  begin("/me");
  expect(document.documentElement.className).toBe("");
  begin("/");
  expect(document.documentElement.className).toBe("list");
});
