import { afterEach, describe, expect, it, vi } from "vitest";

import { h5Address, ownChannel, payByBridge } from "@/utils/bridge";

import { inBrowser } from "./app";
import { BRIDGE_PARAMS } from "./service";

afterEach(() => {
  delete window.WeixinJSBridge;
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Puts the bridge in; what it was asked is in `calls`. */
function bridge(word: string, calls: unknown[] = []): void {
  window.WeixinJSBridge = {
    invoke: (method, params, done) => {
      calls.push([method, params]);
      done({ err_msg: word });
    },
  };
}

it.each([
  ["wechat", "jsapi"],
  ["phone", "h5"],
  ["desktop", "native"],
] as const)("in %s one pays by %s", (kind, channel) => {
  inBrowser(kind);
  expect(ownChannel()).toBe(channel);
});

describe("the bridge", () => {
  it.each([
    ["get_brand_wcpay_request:ok", "ok"],
    ["get_brand_wcpay_request:cancel", "cancel"],
    ["get_brand_wcpay_request:fail", "fail"],
    ["get_brand_wcpay_request:fail_no permission", "fail"],
    ["system:access_denied", "fail"],
  ])("%s means %s", async (word, meaning) => {
    bridge(word);
    expect(await payByBridge(BRIDGE_PARAMS)).toBe(meaning);
  });

  it("gets the parameters as they came", async () => {
    const calls: unknown[] = [];
    bridge("get_brand_wcpay_request:ok", calls);
    await payByBridge(BRIDGE_PARAMS);
    expect(calls).toEqual([["getBrandWCPayRequest", BRIDGE_PARAMS]]);
  });

  it("is waited for", async () => {
    const word = payByBridge(BRIDGE_PARAMS);
    bridge("get_brand_wcpay_request:ok");
    document.dispatchEvent(new Event("WeixinJSBridgeReady"));
    expect(await word).toBe("ok");
  });

  it("that never comes is a failure", async () => {
    vi.useFakeTimers();
    const word = payByBridge(BRIDGE_PARAMS);
    await vi.advanceTimersByTimeAsync(5000);
    expect(await word).toBe("fail");
  });
});

it("adds only the way back to the cashier's address", () => {
  expect(
    h5Address("https://wx.tenpay.com/x?prepay_id=1&package=2", "https://a.cn/payments/1?returned=1"),
  ).toBe(
    "https://wx.tenpay.com/x?prepay_id=1&package=2&redirect_url=https%3A%2F%2Fa.cn%2Fpayments%2F1%3Freturned%3D1",
  );
});
