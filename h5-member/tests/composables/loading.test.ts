import { flushPromises, mount } from "@vue/test-utils";
import { describe, expect, it, vi } from "vitest";
import { defineComponent, h } from "vue";

import { ApiError } from "@/api/client";
import { useAction } from "@shared/useAction";
import { useLoad } from "@shared/useLoad";
import { useOnline } from "@/composables/useOnline";
import { usePaged } from "@shared/usePaged";

const OFFLINE = new ApiError("offline", "网络连接失败", "");

/** A promise that is settled from outside. */
function pending<T>() {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<T>((good, bad) => {
    resolve = good;
    reject = bad;
  });
  return { promise, resolve, reject };
}

describe("useLoad", () => {
  it("goes from idle over loading to done", async () => {
    const answer = pending<string>();
    const { state, data, error, load } = useLoad(() => answer.promise);
    expect(state.value).toBe("idle");
    const loading = load();
    expect(state.value).toBe("loading");
    answer.resolve("a");
    await loading;
    expect([state.value, data.value, error.value]).toEqual(["done", "a", null]);
  });

  it("keeps what is shown when loading again fails, and recovers", async () => {
    const read = vi.fn<() => Promise<string>>();
    read.mockResolvedValueOnce("a").mockRejectedValueOnce(OFFLINE).mockResolvedValueOnce("b");
    const { state, data, error, load } = useLoad(read);
    await load();
    await load();
    expect([state.value, data.value, error.value]).toEqual(["error", "a", OFFLINE]);
    await load();
    expect([state.value, data.value, error.value]).toEqual(["done", "b", null]);
  });

  it("drops an answer that was overtaken, good or bad", async () => {
    const answers = [pending<string>(), pending<string>(), pending<string>()];
    let turn = 0;
    const { state, data, load } = useLoad(() => answers[turn++]?.promise ?? Promise.reject(OFFLINE));
    const all = [load(), load(), load()];
    answers[2]?.resolve("new");
    answers[0]?.resolve("old");
    answers[1]?.reject(OFFLINE);
    await Promise.all(all);
    expect([state.value, data.value]).toEqual(["done", "new"]);
  });
});

describe("useAction", () => {
  it("happens once when pressed twice", async () => {
    const answer = pending<undefined>();
    const act = vi.fn(async () => {
      await answer.promise;
    });
    const { busy, run } = useAction(act);
    const first = run();
    expect(busy.value).toBe(true);
    expect(await run()).toBe(false);
    answer.resolve(undefined);
    expect(await first).toBe(true);
    expect(act).toHaveBeenCalledTimes(1);
    expect(busy.value).toBe(false);
  });

  it("tells why it failed until it is tried again", async () => {
    const act = vi.fn<(fen: number) => Promise<void>>();
    act.mockRejectedValueOnce(OFFLINE).mockResolvedValueOnce();
    const { error, run } = useAction(act);
    expect(await run(1)).toBe(false);
    expect(error.value).toBe(OFFLINE);
    expect(await run(2)).toBe(true);
    expect(error.value).toBeNull();
    expect(act.mock.calls).toEqual([[1], [2]]);
  });
});

describe("usePaged", () => {
  const pages: Record<number, string[]> = { 1: ["a", "b"], 2: ["b", "c"], 3: [] };

  it("reads page after page and shows a row once that slid to the next", async () => {
    const read = vi.fn((page: number) => Promise.resolve({ items: pages[page] ?? [], total: 4 }));
    const { items, finished, more } = usePaged(read, (id) => id);
    await more();
    await more();
    expect(items.value).toEqual(["a", "b", "c"]);
    expect(finished.value).toBe(false);
    // A row was taken back meanwhile: an empty page is the end, whatever the total says.
    await more();
    expect(finished.value).toBe(true);
    await more();
    expect(read.mock.calls).toEqual([[1], [2], [3]]);
  });

  it("doesn't ask for a page that is on its way, and asks again for one that failed", async () => {
    const read = vi.fn<(page: number) => Promise<{ items: string[]; total: number }>>();
    read.mockRejectedValueOnce(OFFLINE).mockResolvedValue({ items: ["a"], total: 1 });
    const { state, error, more } = usePaged(read, (id) => id);
    await Promise.all([more(), more()]);
    expect([state.value, error.value]).toEqual(["error", OFFLINE]);
    await more();
    expect(read.mock.calls).toEqual([[1], [1]]);
    expect([state.value, error.value]).toEqual(["done", null]);
  });

  it("begins again from the first page, and an older page that arrives late is dropped", async () => {
    const late = pending<{ items: string[]; total: number }>();
    const read = vi.fn<(page: number) => Promise<{ items: string[]; total: number }>>();
    read.mockResolvedValueOnce({ items: ["a"], total: 3 }).mockReturnValueOnce(late.promise);
    read.mockResolvedValueOnce({ items: ["n", "a"], total: 2 });
    const { items, finished, more, refresh } = usePaged(read, (id) => id);
    await more();
    const second = more();
    await refresh();
    late.resolve({ items: ["b"], total: 3 });
    await second;
    expect(items.value).toEqual(["n", "a"]);
    expect(finished.value).toBe(true);
  });
});

it("useOnline follows the device, and stops with its component", async () => {
  const device = vi.spyOn(navigator, "onLine", "get").mockReturnValue(true);
  const page = mount(
    defineComponent({
      setup() {
        const online = useOnline();
        return () => h("p", String(online.value));
      },
    }),
  );
  device.mockReturnValue(false);
  window.dispatchEvent(new Event("offline"));
  await flushPromises();
  expect(page.text()).toBe("false");
  const removed = vi.spyOn(window, "removeEventListener");
  page.unmount();
  expect(removed.mock.calls.map(([name]) => name).sort()).toEqual(["offline", "online"]);
  vi.restoreAllMocks();
});
