import { describe, expect, it } from "vitest";

import { useCampForm } from "@/composables/useCampForm";

import { useServer, type Answer } from "../refunds/server";
import { within } from "../refunds/within";
import { aCamp } from "./aCamp";

const server = useServer();
const camp = aCamp();
const PATH = `/api/admin/camps/${camp.id}`;

async function editing() {
  server.on("GET", PATH, () => ({ data: camp }));
  const writing = within(() => useCampForm(() => camp.id));
  await writing.loading.load();
  server.asked.length = 0;
  return writing;
}

describe("useCampForm", () => {
  it("asks the service for nothing as long as something is wrong with the form", async () => {
    const writing = within(() => useCampForm(() => undefined));
    expect(writing.problems.value).toEqual({});
    expect(await writing.save()).toBe(false);
    expect(writing.problems.value).toHaveProperty("name");
    expect(server.asked).toEqual([]);
  });

  it("sends what changed, once, also when the button is pressed twice", async () => {
    const writing = await editing();
    writing.form.name = "晚睡营";
    server.on("PUT", PATH, () => ({ data: { ...camp, name: "晚睡营" } }));
    const [first, second] = await Promise.all([writing.save(), writing.save()]);
    expect([first, second]).toEqual([true, false]);
    expect(server.asked.map(({ method, body }) => [method, body])).toEqual([["PUT", { name: "晚睡营" }]]);
    expect(writing.dirty.value).toBe(false);
  });

  it("creates a camp first, and changes that one from then on", async () => {
    server.on("POST", "/api/admin/camps", () => ({ data: camp }));
    server.on("PUT", PATH, () => ({ data: camp }));
    const known = await editing();
    const writing = within(() => useCampForm(() => undefined));
    Object.assign(writing.form, known.form);
    expect(await writing.save()).toBe(true);
    writing.form.capacity = 500;
    expect(await writing.save()).toBe(true);
    expect(server.asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "POST /api/admin/camps",
      `PUT ${PATH}`,
    ]);
  });

  it("follows a colleague who published the camp, and keeps what may still be changed", async () => {
    const writing = await editing();
    const open = { ...camp, status: "enrolling", enroll_closes_at: "2026-03-09T23:59:59+08:00" };
    Object.assign(writing.form, { deposit: "299", capacity: 300 });
    server.on("PUT", PATH, () => ({
      status: 409,
      code: "camp_locked",
      message: "不能再修改",
      data: { fields: ["deposit_fen"] },
    }));
    server.on("GET", PATH, () => ({ data: open }));
    expect(await writing.save()).toBe(false);
    expect(writing.overtaken.value).toBe(true);
    expect(writing.problems.value).toEqual({});
    expect([...writing.locked.value]).toContain("deposit_fen");
    expect(writing.form).toMatchObject({ deposit: "199.50", capacity: 300 });

    server.on("PUT", PATH, () => ({ data: { ...open, capacity: 300 } }));
    expect(await writing.save()).toBe(true);
    expect(server.asked.at(-1)?.body).toEqual({ capacity: 300 });
    expect(writing.overtaken.value).toBe(false);
  });

  it("shows the service's refusal at the field, and keeps what was typed", async () => {
    const writing = await editing();
    writing.form.deposit = "0.5";
    const refusal: Answer = {
      status: 422,
      code: "validation_error",
      message: "提交的内容有误",
      data: { fields: [{ field: "deposit_fen", message: "押金须在 1.00 至 999.00 元之间" }] },
    };
    server.on("PUT", PATH, () => refusal);
    expect(await writing.save()).toBe(false);
    expect(writing.problems.value).toEqual({ deposit_fen: "押金须在 1.00 至 999.00 元之间" });
    expect(writing.error.value).toBeNull();
    expect(writing.form.deposit).toBe("0.5");
  });

  it("says what belongs to no field for the whole", async () => {
    const writing = await editing();
    writing.form.name = "晚睡营";
    server.on("PUT", PATH, () => ({
      status: 409,
      code: "camp_wrong_state",
      message: "训练营当前状态不允许此操作",
    }));
    expect(await writing.save()).toBe(false);
    expect(writing.problems.value).toEqual({});
    expect(writing.error.value?.message).toBe("训练营当前状态不允许此操作");
  });

  it("knows what is missing for publishing before anybody asks the service", async () => {
    const writing = await editing();
    expect(writing.publishable()).toBe(true);
    writing.form.coach_ids = [];
    expect(writing.publishable()).toBe(false);
    expect(writing.problems.value).toEqual({ coach_ids: "发布前须选择至少一名教练" });
  });

  it("takes over the number of a project that was made at 知识星球", async () => {
    const writing = await editing();
    server.on("POST", `${PATH}/checkin-project`, () => ({ data: { ...camp, checkin_id: "777" } }));
    expect(await writing.makeProject.run()).toBe(true);
    expect([writing.form.checkin_id, writing.dirty.value]).toEqual(["777", false]);
  });
});
