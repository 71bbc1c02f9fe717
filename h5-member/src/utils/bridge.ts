/** How this browser pays, and WeChat's own bridge to its cashier (WeChat Pay v3, JSAPI invocation). */
import type { Schemas } from "@/api/client";
import { inWeChat, onPhone } from "@/utils/browser";

/** `ok` is no proof of payment, and after `fail` the money may still have moved: the service decides. */
export type BridgeWord = "ok" | "cancel" | "fail";

interface WeixinJSBridge {
  invoke: (
    method: "getBrandWCPayRequest",
    params: Schemas["JsapiParams"],
    done: (answer: { err_msg: string }) => void,
  ) => void;
}

declare global {
  interface Window {
    WeixinJSBridge?: WeixinJSBridge;
  }
}

/** WeChat puts its bridge in when the page is nearly ready; a browser that only says it is WeChat never does. */
const BRIDGE_WAIT_MS = 5000;

/** In WeChat by its bridge, on other phones by a page of WeChat Pay, on a desktop by a code to scan. */
export function ownChannel(): Schemas["Channel"] {
  if (inWeChat()) return "jsapi";
  return onPhone() ? "h5" : "native";
}

/** Open WeChat's cashier over the page. Answers when the person is back. */
export async function payByBridge(params: Schemas["JsapiParams"]): Promise<BridgeWord> {
  const bridge = await findBridge();
  if (bridge === null) return "fail";
  return new Promise((resolve) => {
    bridge.invoke("getBrandWCPayRequest", params, ({ err_msg }) => {
      if (err_msg === "get_brand_wcpay_request:ok") resolve("ok");
      else resolve(err_msg === "get_brand_wcpay_request:cancel" ? "cancel" : "fail");
    });
  });
}

function findBridge(): Promise<WeixinJSBridge | null> {
  if (window.WeixinJSBridge !== undefined) return Promise.resolve(window.WeixinJSBridge);
  return new Promise((resolve) => {
    const answer = () => {
      window.clearTimeout(timer);
      document.removeEventListener("WeixinJSBridgeReady", answer);
      resolve(window.WeixinJSBridge ?? null);
    };
    const timer = window.setTimeout(answer, BRIDGE_WAIT_MS);
    document.addEventListener("WeixinJSBridgeReady", answer);
  });
}

/** WeChat Pay's page for other phones. Nothing but the way back may be added to its address. */
export function h5Address(h5Url: string, backTo: string): string {
  return `${h5Url}&redirect_url=${encodeURIComponent(backTo)}`;
}
