import { flushPromises } from "@vue/test-utils";
import { expect, it } from "vitest";

import { ApiError } from "@shared/api";

import { sheetProblem, useSheetImport, type ImportOutcome } from "@/composables/useSheetImport";

import { within } from "../refunds/within";

const outcome = (fields: Partial<ImportOutcome> = {}): ImportOutcome => ({
  kind: "checkin_days",
  rows: 3,
  new: 2,
  changed: 0,
  unchanged: 1,
  removed: 0,
  error_count: 0,
  errors: [],
  import_id: null,
  ...fields,
});
const sheet = new File(["星球编号,打卡日期"], "三月.csv");

function opened(answer: (mode: string) => ImportOutcome | ApiError) {
  const sent: Record<string, unknown>[] = [];
  let applied = 0;
  const it = within(() =>
    useSheetImport(
      (body) => {
        sent.push(Object.fromEntries(body));
        const found = answer(String(body.get("mode")));
        return found instanceof ApiError ? Promise.reject(found) : Promise.resolve(found);
      },
      () => {
        applied += 1;
      },
    ),
  );
  return { it, sent, applied: () => applied };
}

it("looks a sheet through as soon as it is chosen, and writes only when told", async () => {
  const { it, sent, applied } = opened((mode) => outcome(mode === "apply" ? { import_id: "i1" } : {}));
  it.choose(sheet);
  await flushPromises();
  expect(sent.map(({ mode, whole }) => ({ mode, whole }))).toEqual([{ mode: "preview", whole: "false" }]);
  expect(it.preview.data.value).toEqual(outcome());
  expect(it.done.value).toBeNull();
  await it.apply.run();
  expect(sent.at(-1)).toMatchObject({ mode: "apply", whole: "false" });
  expect(it.done.value?.import_id).toBe("i1");
  expect(applied()).toBe(1);
});

it("looks again when the sheet is said to hold everybody, since that takes rows away", async () => {
  const { it, sent } = opened(() => outcome());
  it.choose(sheet);
  it.whole.value = true;
  await flushPromises();
  expect(sent.map(({ mode, whole }) => ({ mode, whole }))).toEqual([
    { mode: "preview", whole: "false" },
    { mode: "preview", whole: "true" },
  ]);
});

it("shows how the sheet stands now when applying it is refused", async () => {
  const wrong = { row: 7, column: "星球编号", value: "12", message: "星球中没有这个编号" };
  let stale = false;
  const { it, applied } = opened((mode) => {
    if (mode === "apply") {
      stale = true;
      return new ApiError("import_has_errors", "表格中有错误", "r", 422);
    }
    return stale ? outcome({ error_count: 1, errors: [wrong] }) : outcome();
  });
  it.choose(sheet);
  await flushPromises();
  expect(await it.apply.run()).toBe(false);
  await flushPromises();
  expect(it.preview.data.value?.errors).toEqual([wrong]);
  expect(it.done.value).toBeNull();
  expect(applied()).toBe(0);
});

it("takes the mended sheet in place of the first", async () => {
  const { it, sent } = opened(() => outcome());
  it.choose(sheet);
  await it.apply.run();
  const mended = new File(["x"], "三月-改.csv");
  it.choose(mended);
  await flushPromises();
  expect(it.done.value).toBeNull();
  expect(sent.at(-1)).toMatchObject({ mode: "preview" });
  expect((sent.at(-1)?.file as File).name).toBe("三月-改.csv");
});

it("sends nothing that can't be a sheet", () => {
  const { it, sent } = opened(() => outcome());
  it.choose(new File(["x"], "三月.pdf"));
  expect(it.problem.value).toBe("只能导入 .xlsx 或 .csv 文件");
  expect(sent).toEqual([]);
  expect(sheetProblem({ name: "a.XLSX", size: 2_900_000 })).toBe("");
  expect(sheetProblem({ name: "a.csv", size: 2_900_001 })).toContain("2.9 MB");
});
