import { expect, it } from "vitest";

import { skippedIn } from "@/utils/batches";

const line = (id: string, message: string) => ({ id, ok: message === "", code: message || "ok", message });

it("counts why rows were left alone, the most frequent cause first", () => {
  const results = [line("1", ""), line("2", "已归档"), line("3", "已关闭"), line("4", "已关闭")];
  expect(skippedIn({ results, done: 1, skipped: 3 })).toEqual([
    { text: "已关闭", count: 2 },
    { text: "已归档", count: 1 },
  ]);
});
