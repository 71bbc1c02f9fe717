import { flushPromises } from "@vue/test-utils";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { useSyncRun } from "@/composables/useSyncRun";

import { useServer } from "../refunds/server";
import { within } from "../refunds/within";

const server = useServer();
const RUNS = "/api/admin/sync-runs";
const SYNC = "/api/admin/camps/c1/sync";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

function runs(...statuses: string[]) {
  server.on("GET", RUNS, () => {
    const status = statuses.length > 1 ? statuses.shift() : statuses[0];
    return { data: { items: [{ id: "r", status }], total: 1, page: 1, page_size: 1 } };
  });
}

async function opened() {
  let ended = 0;
  const sync = within(() => useSyncRun("c1", () => (ended += 1)));
  await flushPromises();
  return { sync, ended: () => ended };
}

it("follows a reading that was under way when the page was opened, to its end and no further", async () => {
  runs("running", "running", "complete");
  const { sync, ended } = await opened();
  expect(sync.running.value).toBe(true);
  await vi.advanceTimersByTimeAsync(2_000);
  expect([sync.running.value, ended()]).toEqual([true, 0]);
  await vi.advanceTimersByTimeAsync(2_000);
  await flushPromises();
  expect([sync.running.value, ended()]).toEqual([false, 1]);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(server.asked).toHaveLength(3);
});

it("shows a colleague's reading when its own is refused because of it", async () => {
  runs("complete", "running");
  server.on("POST", SYNC, () => ({ status: 409, code: "sync_running", message: "同步进行中" }));
  const { sync } = await opened();
  expect(await sync.start.run()).toBe(false);
  expect(sync.start.error.value?.message).toBe("同步进行中");
  expect(sync.running.value).toBe(true);
});
