import { onScopeDispose, ref, watch, type Ref } from "vue";

/**
 * Seconds that go down to 0, counted from each new value of `given` (the service's), never by the phone's
 * calendar. Null stays null.
 */
export function useCountdown(given: () => number | null): Ref<number | null> {
  const left = ref<number | null>(null);
  let end = 0;

  const tick = () => {
    if (left.value !== null) left.value = Math.max(0, Math.ceil((end - performance.now()) / 1000));
  };
  watch(
    given,
    (seconds) => {
      end = performance.now() + (seconds ?? 0) * 1000;
      left.value = seconds;
    },
    { immediate: true },
  );
  const timer = window.setInterval(tick, 500);
  onScopeDispose(() => {
    window.clearInterval(timer);
  });
  return left;
}
