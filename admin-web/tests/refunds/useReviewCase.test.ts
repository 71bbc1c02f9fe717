import { flushPromises } from "@vue/test-utils";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { nextTick, ref } from "vue";

import { useReviewCase } from "@/composables/useReviewCase";
import type { ReviewRow } from "@/utils/reviewRows";

import { aRefund, aRow } from "./rows";
import { useServer } from "./server";
import { within } from "./within";

const server = useServer();
beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const rest = async () => {
  await vi.advanceTimersByTimeAsync(200);
  await flushPromises();
};

function opened(first: ReviewRow) {
  const row = ref<ReviewRow | null>(first);
  const read: string[] = [];
  const found = within(() =>
    useReviewCase(
      () => row.value,
      (one) => read.push(one.refund?.id ?? ""),
    ),
  );
  return { row, found, read };
}

const withoutMember = () => aRow({ memberId: null });
const answering = (row: ReviewRow) =>
  server.on("GET", `/api/admin/refunds/${row.refundId ?? ""}`, () => ({
    data: aRefund({ id: row.refundId ?? "" }),
  }));

it("asks only about the row at which the cursor comes to rest", async () => {
  const rows = [withoutMember(), withoutMember(), withoutMember()] as const;
  rows.forEach(answering);
  const { row, found } = opened(rows[0]);
  row.value = rows[1];
  await nextTick();
  row.value = rows[2];
  await rest();
  expect(server.asked.map((one) => one.path)).toEqual([`/api/admin/refunds/${rows[2].refundId ?? ""}`]);
  expect(found.data.value?.refund?.id).toBe(rows[2].refundId);
});

it("never shows one row's evidence beside another", async () => {
  const rows = [withoutMember(), withoutMember()] as const;
  rows.forEach(answering);
  const { row, found, read } = opened(rows[0]);
  await rest();
  expect(found.data.value?.refund?.id).toBe(rows[0].refundId);
  row.value = rows[1];
  await nextTick();
  expect(found.data.value).toBeNull();
  await rest();
  expect(found.data.value?.refund?.id).toBe(rows[1].refundId);
  expect(read).toEqual(rows.map((one) => one.refundId));
});

it("drops an answer that comes after the cursor went on", async () => {
  const rows = [withoutMember(), withoutMember()] as const;
  let answer: ((value: { data: unknown }) => void) | undefined;
  server.on(
    "GET",
    `/api/admin/refunds/${rows[0].refundId ?? ""}`,
    () => new Promise((resolve) => (answer = resolve)),
  );
  answering(rows[1]);
  const { row, found, read } = opened(rows[0]);
  await rest();
  row.value = rows[1];
  await nextTick();
  answer?.({ data: aRefund({ id: rows[0].refundId ?? "" }) });
  await flushPromises();
  expect(found.data.value).toBeNull();
  expect(read).toEqual([]);
});
