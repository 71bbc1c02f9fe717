import { onScopeDispose, ref, type Ref } from "vue";

import { api, type Schemas } from "@/api/client";
import { useAction, type Action } from "@shared/useAction";
import { h5Address, payByBridge } from "@/utils/bridge";

/**
 * What the person did on the page. `told`: WeChat's bridge or the person says that it is paid. `left`: back from
 * the cashier of WeChat Pay, which says nothing about the result.
 */
export type PayStep = "ready" | "scan" | "leaving" | "left" | "told" | "cancelled" | "failed";

/** Kept with the page's entry in the history, so that a reload goes on where it was, and opens no cashier again. */
export type PayMark = "fresh" | "left" | "told";

const MARKS: readonly unknown[] = ["fresh", "left", "told"] satisfies PayMark[];

export function readMark(): PayMark | null {
  const { pay } = (window.history.state ?? {}) as { pay?: unknown };
  return MARKS.includes(pay) ? (pay as PayMark) : null;
}

function mark(pay: PayMark | null): void {
  window.history.replaceState({ ...(window.history.state as object | null), pay }, "");
}

export interface PaySteps {
  step: Ref<PayStep>;
  /** Text of the code to scan, in step `scan`. */
  code: Ref<string>;
  /** Open the cashier: only by a tap of the person, or right after the form. */
  start: Action<[]>;
  /** The person says that it is paid, or not. */
  say: (paid: boolean) => void;
}

/**
 * `hurry` asks the service for the result, now and for a while; `check` lets it ask WeChat Pay first.
 * `returned`: this is the cashier's way back.
 */
export function usePaySteps(
  id: string,
  { hurry, check }: { hurry: () => Promise<void>; check: () => Promise<unknown> },
  returned: boolean,
): PaySteps {
  const step = ref<PayStep>("ready");
  const code = ref("");

  async function open(): Promise<void> {
    mark(null);
    const params = await api.get("/api/h5/payments/{payment_id}/params", { path: { payment_id: id } });
    if ("code_url" in params) {
      code.value = params.code_url;
      step.value = "scan";
      void hurry();
    } else if ("h5_url" in params) leave(params.h5_url);
    else await askBridge(params);
  }

  function leave(h5Url: string): void {
    mark("left");
    step.value = "leaving";
    window.location.assign(h5Address(h5Url, `${window.location.origin}/payments/${id}?returned=1`));
  }

  async function askBridge(params: Schemas["JsapiParams"]): Promise<void> {
    const word = await payByBridge(params);
    if (word === "ok") say(true);
    else {
      step.value = word === "cancel" ? "cancelled" : "failed";
      // What failed in the bridge may be paid all the same.
      await (word === "cancel" ? hurry() : check());
    }
  }

  function say(paid: boolean): void {
    mark(paid ? "told" : null);
    step.value = paid ? "told" : "ready";
    void hurry();
  }

  // The page was kept while WeChat's was shown, or WeChat's app came up over it.
  function comeBack(): void {
    if (step.value === "leaving" && !document.hidden) {
      step.value = "left";
      void hurry();
    }
  }
  window.addEventListener("pageshow", comeBack);
  document.addEventListener("visibilitychange", comeBack);
  onScopeDispose(() => {
    window.removeEventListener("pageshow", comeBack);
    document.removeEventListener("visibilitychange", comeBack);
  });

  const kept = readMark();
  if (kept === "told") step.value = "told";
  else if (kept === "left" || (returned && kept === null)) step.value = "left";

  return { step, code, start: useAction(open), say };
}
