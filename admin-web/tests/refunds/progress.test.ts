import { flushPromises } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { useRefundProgress } from "@/composables/useRefundProgress";
import { useUndo } from "@/composables/useUndo";
import { local } from "@/utils/storage";

import { useServer } from "./server";
import { within } from "./within";

const server = useServer();
beforeEach(() => {
  vi.useFakeTimers();
  local.remove("approval");
});
afterEach(() => {
  vi.useRealTimers();
});

const SUMMARY = "/api/admin/refunds/summary";
const counts = (by: Record<string, number>) => ({
  data: {
    by_status: Object.fromEntries(
      Object.entries(by).map(([status, count]) => [status, { count, sum_fen: count * 100 }]),
    ),
    hold: null,
    undo_seconds: 10,
  },
});
const pass = async (seconds: number) => {
  await vi.advanceTimersByTimeAsync(seconds * 1000);
  await flushPromises();
};

describe("useRefundProgress", () => {
  it("asks every two seconds while refunds move, tells of changes, and stops at the end", async () => {
    let succeeded = 0;
    server.on("GET", SUMMARY, () => counts({ approved: 3 - succeeded, succeeded }));
    const changed = vi.fn();
    within(() => useRefundProgress(() => "camp", changed));
    await flushPromises();
    expect(server.asked[0]?.query.get("camp_id")).toBe("camp");
    expect(changed).not.toHaveBeenCalled();
    succeeded = 1;
    await pass(2);
    expect(server.asked).toHaveLength(2);
    expect(changed).toHaveBeenCalledTimes(1);
    succeeded = 3;
    await pass(2);
    await pass(60);
    expect(server.asked).toHaveLength(3);
    expect(changed).toHaveBeenCalledTimes(2);
  });

  it("asks less often about what WeChat takes its time for", async () => {
    server.on("GET", SUMMARY, () => counts({ processing: 1 }));
    within(() =>
      useRefundProgress(
        () => "",
        () => undefined,
      ),
    );
    await pass(40);
    const before = server.asked.length;
    await pass(60);
    expect(server.asked.length - before).toBeLessThanOrEqual(4);
    expect(server.asked.length - before).toBeGreaterThan(0);
  });

  it("asks nothing again when nothing moves", async () => {
    server.on("GET", SUMMARY, () => counts({ pending_review: 5, failed: 1 }));
    within(() =>
      useRefundProgress(
        () => "",
        () => undefined,
      ),
    );
    await pass(60);
    expect(server.asked).toHaveLength(1);
  });
});

describe("useUndo", () => {
  const desk = (undone = vi.fn()) => ({ ...within(() => useUndo(() => 10, undone)), undone });

  it("counts down, also in another visit of the page, and takes exactly the last approval back", async () => {
    const first = desk();
    first.remember(["a", "b"], 200);
    expect(first.secondsLeft.value).toBe(10);
    await pass(3);
    expect(first.secondsLeft.value).toBe(7);
    const later = desk();
    expect(later.last.value).toMatchObject({ ids: ["a", "b"], sumFen: 200 });
    expect(later.secondsLeft.value).toBe(7);
    server.on("POST", "/api/admin/refunds/batch-undo", () => ({
      data: { results: [], done: 1, skipped: 1 },
    }));
    await later.undo.run();
    expect(server.asked.at(-1)?.body).toEqual({ ids: ["a", "b"] });
    expect(later.undone).toHaveBeenCalledWith({ results: [], done: 1, skipped: 1 });
    expect(later.last.value).toBeNull();
    expect(desk().last.value).toBeNull();
  });

  it("keeps the approval when taking it back did not arrive", async () => {
    server.on("POST", "/api/admin/refunds/batch-undo", () => ({
      status: 503,
      code: "unavailable",
      message: "稍后",
    }));
    const one = desk();
    one.remember(["a"], 100);
    await one.undo.run();
    expect(one.last.value?.ids).toEqual(["a"]);
    expect(one.undo.error.value?.code).toBe("unavailable");
  });
});
