import { onScopeDispose, ref, type Ref } from "vue";

import { api, type Schemas } from "@/api/client";
import { useAction, type Action } from "@shared/useAction";
import { useLoad, type Load } from "@shared/useLoad";

const FAST_MS = 2_000;
const SLOW_MS = 5_000;
/** So long an answer is waited for; WeChat's notification usually needs a second. */
const PATIENCE_MS = 30_000;

export interface PaymentWatch extends Load<Schemas["PaymentOut"]> {
  /** The last `hurry` brought no result in time. */
  waitedLong: Ref<boolean>;
  /** Ask now, and often for a while: something may just have happened. */
  hurry: () => Promise<void>;
  /** Let the service ask WeChat Pay itself, then read the order anew. */
  check: Action<[]>;
}

/**
 * One order, asked about again and again until it is paid or closed. A failed question is no reason to stop.
 * A hidden page asks nothing, and asks at once when it is seen again.
 */
export function usePayment(id: string): PaymentWatch {
  const asked = useLoad(() => api.get("/api/h5/payments/{payment_id}", { path: { payment_id: id } }));
  const waitedLong = ref(false);
  let fastUntil = 0;
  let next = 0;
  let patience = 0;
  let stopped = false;

  function isOver(): boolean {
    if (asked.error.value?.code === "not_found") return true;
    return asked.data.value !== null && asked.data.value.status !== "pending";
  }

  async function load(): Promise<void> {
    window.clearTimeout(next);
    await asked.load();
    window.clearTimeout(next);
    if (stopped || isOver() || document.hidden) return;
    const pause = performance.now() < fastUntil ? FAST_MS : SLOW_MS;
    next = window.setTimeout(() => void load(), pause);
  }

  function hurry(): Promise<void> {
    fastUntil = performance.now() + PATIENCE_MS;
    waitedLong.value = false;
    window.clearTimeout(patience);
    patience = window.setTimeout(() => {
      waitedLong.value = true;
    }, PATIENCE_MS);
    return load();
  }

  // Whether the provider answers or not, what the service knows now is shown.
  const check = useAction(async () => {
    try {
      await api.post("/api/h5/payments/{payment_id}/check", { path: { payment_id: id } });
    } finally {
      await hurry();
    }
  });

  function lookAgain(): void {
    if (!document.hidden && !isOver()) void load();
  }

  document.addEventListener("visibilitychange", lookAgain);
  window.addEventListener("online", lookAgain);
  onScopeDispose(() => {
    stopped = true;
    window.clearTimeout(next);
    window.clearTimeout(patience);
    document.removeEventListener("visibilitychange", lookAgain);
    window.removeEventListener("online", lookAgain);
  });

  return { ...asked, load, waitedLong, hurry, check };
}
