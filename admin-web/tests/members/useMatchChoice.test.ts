import { flushPromises } from "@vue/test-utils";
import { expect, it } from "vitest";

import type { Schemas } from "@/api/client";
import { useMatchChoice } from "@/composables/useMatchChoice";

import { useServer } from "../refunds/server";
import { within } from "../refunds/within";

const server = useServer();
const person = (fields: Partial<Schemas["CandidateOut"]>): Schemas["CandidateOut"] => ({
  id: "415",
  name: "早起小鸟",
  number: "12",
  alias: null,
  left: false,
  days: 9,
  taken_by: null,
  ...fields,
});
const alike = [person({}), person({ id: "416", taken_by: "m2" }), person({ id: "417", taken_by: "m1" })];

async function opened() {
  const matched: Schemas["MemberOut"][] = [];
  server.on("GET", "/api/admin/members/m1", () => ({ data: { evidence: { candidates: alike } } }));
  const it = within(() => useMatchChoice({ id: "m1", camp_id: "c1" }, (member) => matched.push(member)));
  await flushPromises();
  return { it, matched };
}

it("begins with the people who resemble what was typed, and offers none who is somebody else's", async () => {
  const { it } = await opened();
  expect(it.people.data.value).toEqual(alike);
  expect(alike.map(it.isTaken)).toEqual([false, true, false]);
});

it("searches the camp's planet, and forgets a choice that is no longer shown", async () => {
  const { it } = await opened();
  server.on("GET", "/api/admin/planet-users", () => ({ data: { items: [person({ id: "500" })], total: 1 } }));
  it.chosenId.value = "415";
  it.search(" 500 ");
  await flushPromises();
  expect(server.asked.at(-1)?.query.get("q")).toBe("500");
  expect(server.asked.at(-1)?.query.get("camp_id")).toBe("c1");
  expect(it.chosen.value).toBeNull();
});

it("sends the choice with its reason", async () => {
  const { it, matched } = await opened();
  server.on("POST", "/api/admin/members/m1/match", () => ({ data: { id: "m1" } }));
  it.chosenId.value = "415";
  expect(await it.send.run("群里核对过")).toBe(true);
  expect(server.asked.at(-1)?.body).toEqual({ planet_user_id: "415", reason: "群里核对过" });
  expect(matched).toEqual([{ id: "m1" }]);
});

it("says whose the person became meanwhile", async () => {
  const { it, matched } = await opened();
  server.on("POST", "/api/admin/members/m1/match", () => ({
    status: 409,
    code: "planet_user_taken",
    message: "该星球成员已匹配给本训练营的另一位会员",
    data: { member_id: "m7" },
  }));
  it.chosenId.value = "415";
  expect(await it.send.run("")).toBe(false);
  expect(it.send.error.value?.data?.member_id).toBe("m7");
  expect(server.asked.at(-1)?.body).toEqual({ planet_user_id: "415" });
  expect(matched).toEqual([]);
});
