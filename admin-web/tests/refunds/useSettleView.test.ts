import { flushPromises } from "@vue/test-utils";
import { expect, it } from "vitest";
import { shallowRef } from "vue";

import { useSettleView } from "@/composables/useSettleView";
import { withRefund, type ReviewRow } from "@/utils/reviewRows";

import { aRefund, aRow, because } from "./rows";
import { withinPage } from "./within";

async function opened(path: string, list: ReviewRow[]) {
  const rows = shallowRef<ReviewRow[]>([]);
  const { it: view, router } = await withinPage(path, () => useSettleView(rows));
  rows.value = list;
  await flushPromises();
  return { rows, view, router };
}

it("begins with what waits for review, and says so in the address", async () => {
  const { view, router } = await opened("/settle", [aRow({ status: "succeeded" }), aRow()]);
  expect(router.currentRoute.value.query).toEqual({ stage: "review" });
  expect(view.shown.value).toHaveLength(1);
  expect(view.currentRow.value?.status).toBe("pending_review");
});

it("shows everything where the address says so, or nothing waits", async () => {
  const all = await opened("/settle?stage=all", [aRow(), aRow({ status: "succeeded" })]);
  expect(all.view.shown.value).toHaveLength(2);
  const settled = await opened("/settle", [aRow({ status: "succeeded" })]);
  expect(settled.router.currentRoute.value.query).toEqual({});
  expect(settled.view.shown.value).toHaveLength(1);
});

it("narrows by stage, verdict and name together, and counts verdicts within the stage", async () => {
  const doubt = aRow({ verdict: "needs_confirmation", reasons: because("sources_disagree"), name: "林晚" });
  const { view } = await opened("/settle?stage=review&group=needs_confirmation&q=%E6%9E%97", [
    doubt,
    aRow({ name: "林早" }),
    aRow({ verdict: "needs_confirmation", name: "王晚" }),
    aRow({ status: "failed", name: "林夜" }),
  ]);
  expect(view.shown.value).toEqual([doubt]);
  expect(view.stages.value.get("failed")?.count).toBe(1);
  expect([...view.groups.value.keys()]).toEqual(["needs_confirmation", "eligible"]);
});

it("gives up filters that would hide everybody of another stage, and keeps those that find somebody", async () => {
  const doubt = aRow({ verdict: "needs_confirmation", reasons: because("sources_disagree"), name: "林晚" });
  const { view, router } = await opened("/settle?stage=review&group=needs_confirmation", [
    doubt,
    aRow({ status: "failed" }),
    aRow({ ...doubt, key: "another", status: "rejected" }),
  ]);
  view.stage.value = "rejected";
  await flushPromises();
  expect(router.currentRoute.value.query).toEqual({ stage: "rejected", group: "needs_confirmation" });
  view.stage.value = "failed";
  await flushPromises();
  expect(router.currentRoute.value.query).toEqual({ stage: "failed" });
  expect(view.shown.value).toHaveLength(1);
});

it("puts the next row under the cursor when one was decided", async () => {
  const list = [aRow(), aRow(), aRow()] as const;
  const { rows, view } = await opened("/settle?stage=review", [...list]);
  view.move(1);
  expect(view.current.value).toBe(list[1].key);
  rows.value = withRefund(rows.value, aRefund({ id: list[1].refundId ?? "", status: "approved" }));
  await flushPromises();
  expect(view.current.value).toBe(list[2].key);
  rows.value = withRefund(rows.value, aRefund({ id: list[2].refundId ?? "", status: "rejected" }));
  await flushPromises();
  expect(view.current.value).toBe(list[0].key);
});

it("keeps the cursor within the list", async () => {
  const { view } = await opened("/settle?stage=all", [aRow(), aRow()]);
  view.move(-1);
  expect(view.current.value).toBe(view.shown.value[0]?.key);
  view.move(5);
  expect(view.current.value).toBe(view.shown.value[1]?.key);
});

it("takes the selected rows for a batch, else the shown ones", async () => {
  const list = [aRow(), aRow()] as const;
  const { view } = await opened("/settle?stage=review", [...list]);
  expect(view.chosen.value).toHaveLength(2);
  view.toggle(list[1].key);
  expect(view.chosen.value).toEqual([list[1]]);
  view.toggle(list[1].key);
  expect(view.chosen.value).toHaveLength(2);
});
