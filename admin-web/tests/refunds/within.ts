import { mount } from "@vue/test-utils";
import { afterEach } from "vitest";
import { defineComponent, effectScope, h } from "vue";
import { createMemoryHistory, createRouter, type Router } from "vue-router";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** What a composable gives; it ends with the test. */
export function within<T>(setup: () => T): T {
  const scope = effectScope();
  ends.push(() => {
    scope.stop();
  });
  const found = scope.run(setup);
  if (found === undefined) throw new Error("nothing was set up");
  return found;
}

/** The same in a page at an address. */
export async function withinPage<T>(path: string, setup: () => T): Promise<{ it: T; router: Router }> {
  let found: { it: T } | undefined;
  const Page = defineComponent({
    setup() {
      found = { it: setup() };
      return () => h("div");
    },
  });
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [{ path: "/settle", name: "settle", component: Page }],
  });
  await router.push(path);
  const wrapper = mount(Page, { global: { plugins: [router] } });
  ends.push(() => {
    wrapper.unmount();
  });
  if (!found) throw new Error("not mounted");
  return { it: found.it, router };
}
