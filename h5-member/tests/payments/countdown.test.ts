import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { effectScope, nextTick, ref } from "vue";

import { useCountdown } from "@/composables/useCountdown";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it("counts down to 0 and stays there", () => {
  const scope = effectScope();
  const left = scope.run(() => useCountdown(() => 3));
  expect(left?.value).toBe(3);
  vi.advanceTimersByTime(2000);
  expect(left?.value).toBe(1);
  vi.advanceTimersByTime(60_000);
  expect(left?.value).toBe(0);
  scope.stop();
  expect(vi.getTimerCount()).toBe(0);
});

it("believes each new word of the service, and doesn't look at the calendar", async () => {
  const given = ref<number | null>(null);
  const scope = effectScope();
  const left = scope.run(() => useCountdown(() => given.value));
  expect(left?.value).toBeNull();
  given.value = 100;
  await nextTick();
  vi.setSystemTime(new Date("2050-01-01"));
  vi.advanceTimersByTime(1000);
  expect(left?.value).toBe(99);
  given.value = 40;
  await nextTick();
  expect(left?.value).toBe(40);
  scope.stop();
});
