/** What happens around every change of page. */
import { nextTick, shallowRef } from "vue";
import type { RouteComponent, RouteLocationNormalized, Router } from "vue-router";

import { onRefusedToken } from "@/api/client";
import { useSession } from "@/stores/session";
import { ownPage } from "@/utils/ownPage";
import { perTab } from "@/utils/storage";

/** The page that could not be loaded, as a path; null while all is well. */
export const failedPage = shallowRef<string | null>(null);

/** Set up `router`; needs an active Pinia. */
export function guard(router: Router): void {
  router.beforeEach(askForLogin);
  router.afterEach((to, from, failure) => {
    if (failure) return;
    document.title = to.meta.title;
    failedPage.value = null;
    perTab.remove("reloaded");
    if (from.matched.length > 0 && from.path !== to.path) void focusHeading();
    whenIdle(() => {
      prefetch(router, to.meta.next ?? []);
    });
  });
  router.onError((_, to) => {
    pageFailed(to);
  });
  onRefusedToken(() => {
    useSession().drop();
    const here = router.currentRoute.value;
    if (here.meta.personal) void router.replace(loginFor(here));
  });
}

function askForLogin(to: RouteLocationNormalized) {
  return to.meta.personal && useSession().token === null ? loginFor(to) : true;
}

function loginFor(page: RouteLocationNormalized) {
  return { name: "login", query: { to: page.fullPath } };
}

/** A screen reader begins to read the new page, the keyboard goes on from there. */
async function focusHeading(): Promise<void> {
  await nextTick();
  const heading = document.querySelector<HTMLElement>("main h1");
  heading?.setAttribute("tabindex", "-1");
  heading?.focus({ preventScroll: true });
}

/**
 * After a new version went live the files have other names: loading the wished page afresh finds them, tried once.
 * Without a network that would leave the member with the browser's own error page, so it is only said.
 */
function pageFailed(to: RouteLocationNormalized): void {
  // A path of two slashes would lead to another host.
  const wished = ownPage(to.fullPath);
  if (navigator.onLine && perTab.get("reloaded") !== true) {
    perTab.set("reloaded", true);
    window.location.assign(wished);
  } else {
    failedPage.value = wished;
  }
}

function prefetch(router: Router, names: string[]): void {
  for (const name of names) {
    const load = router.getRoutes().find((route) => route.name === name)?.components?.default;
    // Only a wish: who opens the page later is told when it fails.
    if (typeof load === "function") (load as () => Promise<RouteComponent>)().catch(() => undefined);
  }
}

/** Safari has no `requestIdleCallback`. */
function whenIdle(act: () => void): void {
  if ("requestIdleCallback" in window) window.requestIdleCallback(act);
  else setTimeout(act, 1500);
}
