import { onScopeDispose, watch } from "vue";

/**
 * Asks again and again while something is `wanted`. Never two questions at once, none while the page is hidden,
 * none after the component is gone.
 */
export function usePolling(ask: () => Promise<unknown>, wanted: () => boolean, seconds = 2): void {
  let timer: number | undefined;
  let asking = false;
  let gone = false;

  function plan(): void {
    window.clearTimeout(timer);
    if (!gone && wanted() && !document.hidden) timer = window.setTimeout(() => void turn(), seconds * 1000);
  }

  async function turn(): Promise<void> {
    if (asking) return;
    asking = true;
    try {
      await ask();
    } finally {
      asking = false;
      plan();
    }
  }

  watch(wanted, plan, { immediate: true });
  document.addEventListener("visibilitychange", plan);
  onScopeDispose(() => {
    gone = true;
    window.clearTimeout(timer);
    document.removeEventListener("visibilitychange", plan);
  });
}
