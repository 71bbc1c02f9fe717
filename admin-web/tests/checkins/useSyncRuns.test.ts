import { expect, it } from "vitest";

import { durationText, secondsOf } from "@/composables/useSyncRuns";

it("tells how long a reading took", () => {
  const started_at = "2026-03-20T01:00:00+08:00";
  const took = (finished_at: string | null) => durationText(secondsOf({ started_at, finished_at }));
  expect(took("2026-03-20T01:00:09.600+08:00")).toBe("10 秒");
  expect(took("2026-03-20T01:01:15+08:00")).toBe("1 分 15 秒");
  expect(took(null)).toBe("—");
});
