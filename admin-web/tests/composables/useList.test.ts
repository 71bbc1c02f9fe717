import { flushPromises, mount } from "@vue/test-utils";
import { describe, expect, it } from "vitest";
import { defineComponent, h } from "vue";
import { createMemoryHistory, createRouter, type Router } from "vue-router";

import { useList, type Filters, type List, type Paging } from "@/composables/useList";

type Key = "q" | "status";
interface Asked {
  filters: Filters<Key>;
  paging: Paging;
}

async function opened(path: string, answer: (asked: Asked) => Promise<{ items: string[]; total: number }>) {
  const asked: Asked[] = [];
  let list: List<Key, string> | undefined;
  const Page = defineComponent({
    setup() {
      list = useList<Key, string>(["q", "status"], (filters, paging) => {
        asked.push({ filters, paging });
        return answer({ filters, paging });
      });
      return () => h("div");
    },
  });
  const router: Router = createRouter({
    history: createMemoryHistory(),
    routes: [{ path: "/list", name: "list", component: Page }],
  });
  await router.push(path);
  mount(Page, { global: { plugins: [router] } });
  await flushPromises();
  if (!list) throw new Error("not mounted");
  return { list, asked, router };
}

const twoRows = () => Promise.resolve({ items: ["a", "b"], total: 2 });

describe("useList", () => {
  it("asks with what the address says", async () => {
    const { list, asked } = await opened("/list?q=%E6%9E%97&page=3&page_size=50&tab=x", twoRows);
    expect(asked).toEqual([{ filters: { q: "林", status: "" }, paging: { page: 3, page_size: 50 } }]);
    expect(list.form).toEqual({ q: "林", status: "" });
    expect(list.rows.value).toEqual(["a", "b"]);
  });

  it("reads nonsense in the address as the first page of twenty", async () => {
    const { asked } = await opened("/list?page=-2&page_size=7", twoRows);
    expect(asked[0]?.paging).toEqual({ page: 1, page_size: 20 });
  });

  it("keeps what it was asked in the address, goes back to page one, and leaves other things there alone", async () => {
    const { list, asked, router } = await opened("/list?page=3&tab=x", twoRows);
    list.form.q = "林";
    list.search();
    await flushPromises();
    expect(router.currentRoute.value.query).toEqual({ q: "林", tab: "x" });
    expect(asked.at(-1)).toEqual({ filters: { q: "林", status: "" }, paging: { page: 1, page_size: 20 } });
    list.turn({ page: 2 });
    await flushPromises();
    expect(router.currentRoute.value.query).toEqual({ q: "林", tab: "x", page: "2" });
  });

  it("asks again when the same search is pressed once more", async () => {
    const { list, asked } = await opened("/list", twoRows);
    list.search();
    await flushPromises();
    expect(asked).toHaveLength(2);
  });

  it("drops an answer that was overtaken", async () => {
    const waiting: ((value: { items: string[]; total: number }) => void)[] = [];
    const { list } = await opened("/list", () => new Promise((resolve) => waiting.push(resolve)));
    list.turn({ page: 2 });
    await flushPromises();
    waiting[1]?.({ items: ["second"], total: 40 });
    await flushPromises();
    waiting[0]?.({ items: ["first"], total: 40 });
    await flushPromises();
    expect(list.rows.value).toEqual(["second"]);
  });

  it("keeps the rows beside an error", async () => {
    let good = true;
    const { list } = await opened("/list", () => (good ? twoRows() : Promise.reject(new Error("away"))));
    good = false;
    await list.reload();
    expect(list.state.value).toBe("error");
    expect(list.error.value?.message).toBe("页面出了点问题，请重试");
    expect(list.rows.value).toEqual(["a", "b"]);
  });
});
