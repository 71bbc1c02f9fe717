import { createPinia, setActivePinia } from "pinia";
import { beforeEach, expect, it } from "vitest";

import { useMine } from "@/stores/mine";
import { useSession } from "@/stores/session";
import { local } from "@/utils/storage";

import { fresh } from "../support/app";
import { camp, me, membership, order } from "../support/camps";
import { count, ok, on } from "../support/network";

beforeEach(() => {
  fresh();
  setActivePinia(createPinia());
});

it("finds what belongs to a camp", async () => {
  local.set("token", "t");
  const other = camp({ id: "c2" });
  on(/me/, ok(me({ unread: 3, memberships: [membership(camp())], orders: [order(other)] })));
  const mine = useMine();
  await mine.load();
  expect(mine.membershipOf("c1")?.member_id).toBe("m1");
  expect(mine.membershipOf("c2")).toBeNull();
  expect(mine.orderOf("c2")?.payment_id).toBe("p2");
  expect(mine.unread).toBe(3);
});

it("asks nothing for somebody not logged in", async () => {
  await useMine().load();
  expect(count(/./)).toBe(0);
});

it("shows the next person nothing of the one before", async () => {
  local.set("token", "t");
  on(/me/, ok(me({ unread: 3 })));
  on(/guest/, ok({ token: "other" }));
  const mine = useMine();
  await mine.load();
  useSession().drop();
  expect([mine.me, mine.unread]).toEqual([null, 0]);
  await useSession().logInAsGuest();
  expect([mine.me, mine.unread]).toEqual([null, 0]);
});
