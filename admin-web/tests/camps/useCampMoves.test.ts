import { flushPromises } from "@vue/test-utils";
import { afterEach, describe, expect, it } from "vitest";

import { useCampMoves } from "@/composables/useCampMoves";

import { useServer } from "../refunds/server";
import { within } from "../refunds/within";
import { aCamp } from "./aCamp";

const server = useServer();
const PUBLISH = "/api/admin/camps/c1/publish";

afterEach(async () => {
  await flushPromises();
  document.body.innerHTML = "";
});

/** Presses a button of the question that is open. */
async function press(text: string): Promise<void> {
  await flushPromises();
  const buttons = [...document.querySelectorAll<HTMLButtonElement>(".el-message-box button")];
  buttons
    .filter((button) => button.textContent?.trim() === text)
    .at(-1)
    ?.click();
  await flushPromises();
}

const question = () => [...document.querySelectorAll(".el-message-box")].at(-1)?.textContent ?? "";

describe("useCampMoves", () => {
  it("asks first, with the figures members will pay by", async () => {
    server.on("POST", PUBLISH, () => ({ data: aCamp({ status: "enrolling" }) }));
    const moves = within(() => useCampMoves());
    const done = moves.perform("publish", aCamp());
    await flushPromises();
    for (const figure of ["¥199.50", "200 人", "共 22 天", "满 15 天"]) expect(question()).toContain(figure);
    expect(server.asked).toEqual([]);
    await press("发布");
    expect(await done).toBe("publish");
    expect(server.asked.map((one) => one.path)).toEqual([PUBLISH]);
  });

  it("does nothing on a no, and nothing twice", async () => {
    const moves = within(() => useCampMoves());
    const first = moves.perform("publish", aCamp());
    const second = moves.perform("publish", aCamp());
    await press("取消");
    expect([await first, await second]).toEqual([null, null]);
    expect(server.asked).toEqual([]);
    expect(moves.error.value).toBeNull();
  });

  it("shows before archiving what nobody gets back", async () => {
    server.on("GET", "/api/admin/camps/c1/settlement", () => ({
      data: { summary: { members: 121, paid_fen: 2427800, refunded_fen: 2208900 } },
    }));
    const moves = within(() => useCampMoves());
    const done = moves.perform("archive", aCamp({ status: "settling" }));
    await flushPromises();
    expect(question()).toContain("¥2,189 将转为收入");
    await press("取消");
    expect(await done).toBeNull();
  });

  it("tells a refusal and keeps it for the page", async () => {
    server.on("POST", PUBLISH, () => ({
      status: 409,
      code: "camp_wrong_state",
      message: "只有草稿可以发布",
    }));
    const moves = within(() => useCampMoves());
    const done = moves.perform("publish", aCamp());
    await press("发布");
    expect(await done).toBeNull();
    expect(moves.error.value?.code).toBe("camp_wrong_state");
    expect(document.body.textContent).toContain("只有草稿可以发布");
  });
});
