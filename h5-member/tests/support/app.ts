/** The whole app at an address, as a browser would show it. */
import { flushPromises, mount, type VueWrapper } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { vi } from "vitest";
import {
  createMemoryHistory,
  createRouter,
  type RouteComponent,
  type Router,
  type RouteRecordRaw,
} from "vue-router";

import { useToken } from "@/api/client";
import App from "@/App.vue";
import { routes } from "@/router";
import { failedPage, guard } from "@/router/guards";
import { local, perTab } from "@/utils/storage";

import { stubNetwork } from "./network";

export const WECHAT = "Mozilla/5.0 (iPhone; CPU iPhone OS 15_0) Mobile MicroMessenger/8.0.30";

export interface Opened {
  app: VueWrapper;
  router: Router;
  text: () => string;
  press: (words: string) => Promise<void>;
}

type Lazy = () => Promise<{ default: RouteComponent }>;

/** The app's routes with their pages at hand, so that a test needn't wait for files. */
const loaded = await Promise.all(
  routes.map(async (route): Promise<RouteRecordRaw> => {
    const page = await (route.component as Lazy)();
    return { ...route, component: page.default } as RouteRecordRaw;
  }),
);

let shown: VueWrapper | null = null;

/** Before each test: no storage, no network, nobody logged in. */
export function fresh(): void {
  shown?.unmount();
  shown = null;
  vi.restoreAllMocks();
  window.localStorage.clear();
  window.sessionStorage.clear();
  // What storage remembers by itself, in case the device forgets.
  for (const key of ["token", "camps"] as const) local.remove(key);
  for (const key of ["reloaded", "logins", "returnTo"] as const) perTab.remove(key);
  useToken(null);
  failedPage.value = null;
  delete window.begun;
  stubNetwork();
}

export async function open(path: string, token?: string): Promise<Opened> {
  if (token !== undefined) local.set("token", token);
  const pinia = createPinia();
  setActivePinia(pinia);
  const router = createRouter({ history: createMemoryHistory(), routes: loaded });
  guard(router);
  await router.push(path);
  const app = mount(App, { global: { plugins: [pinia, router] }, attachTo: document.body });
  shown = app;
  await settled();
  return {
    app,
    router,
    text: () => app.text(),
    press: async (words) => {
      const target = app.findAll("button, a").find((one) => one.text().includes(words));
      if (target === undefined) throw new Error(`nothing to press named ${words} in: ${app.text()}`);
      await target.trigger("click");
      await settled();
    },
  };
}

/** Answers lead to pages, and pages to requests. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await flushPromises();
}
