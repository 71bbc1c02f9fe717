import { flushPromises, mount } from "@vue/test-utils";
import { expect, it } from "vitest";
import { defineComponent, h } from "vue";
import { createMemoryHistory, createRouter } from "vue-router";

import { useMatchingQueue } from "@/composables/useMatchingQueue";

import { useServer } from "../refunds/server";

const server = useServer();
const counts = { to_match: 3, to_confirm: 2, conflict: 1, closed: 0 };

async function opened(path: string) {
  server.on("GET", "/api/admin/matching", () => ({ data: { items: [], total: 0, counts } }));
  let queue: ReturnType<typeof useMatchingQueue> | undefined;
  const Page = defineComponent({
    setup() {
      queue = useMatchingQueue();
      return () => h("div");
    },
  });
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [{ path: "/matching", name: "matching", component: Page }],
  });
  await router.push(path);
  mount(Page, { global: { plugins: [router] } });
  await flushPromises();
  if (!queue) throw new Error("not mounted");
  return { queue, router };
}
const asked = () => Object.fromEntries(server.asked.at(-1)?.query ?? []);

it("opens the tab of the address, with the counts of all", async () => {
  const { queue } = await opened("/matching?tab=conflict&camp_id=c1");
  expect(queue.tab.value).toBe("conflict");
  expect(queue.counts.value).toEqual(counts);
  expect(asked()).toEqual({ tab: "conflict", camp_id: "c1", page: "1", page_size: "20" });
});

it("takes a tab that there is none of for the first", async () => {
  const { queue } = await opened("/matching?tab=unknown");
  expect(queue.tab.value).toBe("to_match");
  expect(asked().tab).toBe("to_match");
});

it("stays on its tab when something is searched, and begins another at page one", async () => {
  const { queue, router } = await opened("/matching?tab=closed&page=2");
  queue.list.form.q = "林";
  queue.list.search();
  await flushPromises();
  expect(router.currentRoute.value.query).toEqual({ tab: "closed", q: "林" });
  queue.list.turn({ page: 3 });
  await flushPromises();
  queue.show("to_match");
  await flushPromises();
  expect(router.currentRoute.value.query).toEqual({ q: "林" });
});
