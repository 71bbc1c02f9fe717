import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { effectScope, nextTick, ref } from "vue";

import { usePolling } from "@/composables/usePolling";

let hidden = false;

beforeEach(() => {
  vi.useFakeTimers();
  hidden = false;
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
});
afterEach(() => vi.useRealTimers());

function polling(wanted = true) {
  const on = ref(wanted);
  let asked = 0;
  const scope = effectScope();
  scope.run(() => {
    usePolling(
      () => {
        asked += 1;
        return Promise.resolve();
      },
      () => on.value,
    );
  });
  return { on, scope, asked: () => asked };
}

describe("usePolling", () => {
  it("asks every two seconds while it is wanted", async () => {
    const { on, asked } = polling(false);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked()).toBe(0);
    on.value = true;
    await nextTick();
    await vi.advanceTimersByTimeAsync(6_000);
    expect(asked()).toBe(3);
    on.value = false;
    await nextTick();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked()).toBe(3);
  });

  it("rests while nobody sees the page", async () => {
    const { asked } = polling();
    hidden = true;
    document.dispatchEvent(new Event("visibilitychange"));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked()).toBe(0);
    hidden = false;
    document.dispatchEvent(new Event("visibilitychange"));
    await vi.advanceTimersByTimeAsync(2_000);
    expect(asked()).toBe(1);
  });

  it("ends with its component", async () => {
    const { scope, asked } = polling();
    scope.stop();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked()).toBe(0);
  });
});
