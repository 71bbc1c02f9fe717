/** One page inside a router with the app's names of pages, in a browser of a kind. */
import { flushPromises, mount, type VueWrapper } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { vi } from "vitest";
import { defineComponent, h, type Component } from "vue";
import { createRouter, createWebHistory, RouterView, type Router } from "vue-router";

import { useSession } from "@/stores/session";
import { local } from "@/utils/storage";

const AGENTS = {
  wechat: "Mozilla/5.0 (iPhone; CPU iPhone OS 15_0) Mobile MicroMessenger/8.0.30",
  phone: "Mozilla/5.0 (Linux; Android 12) Chrome/100 Mobile Safari/537.36",
  desktop: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Chrome/130 Safari/537.36",
} as const;

export type Browser = keyof typeof AGENTS;

export function inBrowser(kind: Browser): void {
  vi.spyOn(navigator, "userAgent", "get").mockReturnValue(AGENTS[kind]);
}

const PATHS = {
  camps: "/",
  camp: "/camps/:id",
  enroll: "/enroll/:campId",
  payment: "/payments/:id",
  qrcode: "/qrcode/:paymentId",
  progress: "/progress/:memberId",
  me: "/me",
  refunds: "/refunds",
  maintenance: "/maintenance",
} as const;

export interface Opened {
  router: Router;
  page: VueWrapper;
  text: () => string;
  press: (words: string) => Promise<void>;
}

/** Open `path`, shown by `view`; `pay` is the mark in the history that the page finds. */
export async function open(
  name: keyof typeof PATHS,
  path: string,
  view: Component,
  pay?: string,
): Promise<Opened> {
  local.set("token", "t");
  const pinia = createPinia();
  setActivePinia(pinia);
  useSession();
  const blank = defineComponent({ render: () => h("i") });
  const router = createRouter({
    history: createWebHistory(),
    routes: Object.entries(PATHS).map(([one, at]) => ({
      path: at,
      name: one,
      component: one === name ? view : blank,
      props: true,
    })),
  });
  window.history.replaceState({ pay }, "", path);
  await router.push(path);
  const page = mount(RouterView, { global: { plugins: [pinia, router] }, attachTo: document.body });
  await flushPromises();
  return {
    router,
    page,
    text: () => page.text(),
    press: async (words) => {
      const button = page.findAll("button").find((one) => one.text().includes(words));
      if (button === undefined) throw new Error(`no button ${words} in: ${page.text()}`);
      await button.trigger(button.attributes("type") === "submit" ? "submit" : "click");
      await flushPromises();
    },
  };
}
