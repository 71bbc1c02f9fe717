import { onScopeDispose } from "vue";

/** Calls `act` at most once in so many seconds: at once when there was quiet, else at the end of the pause. */
export function useLater(act: () => void, seconds: number): { soon: () => void; now: () => void } {
  let last = -Infinity;
  let timer: number | undefined;

  function now(): void {
    window.clearTimeout(timer);
    timer = undefined;
    last = performance.now();
    act();
  }

  function soon(): void {
    if (timer !== undefined) return;
    timer = window.setTimeout(now, Math.max(0, last + seconds * 1000 - performance.now()));
  }

  onScopeDispose(() => {
    window.clearTimeout(timer);
  });
  return { soon, now };
}
