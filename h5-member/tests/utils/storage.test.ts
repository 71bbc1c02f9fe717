import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { local, perTab } from "@/utils/storage";

beforeEach(() => {
  local.remove("token");
  perTab.remove("reloaded");
  window.localStorage.clear();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it("keeps values under names of its own", () => {
  local.set("token", "abc");
  expect(window.localStorage.getItem("camp:token")).toBe('"abc"');
  expect(local.get("token")).toBe("abc");
  local.remove("token");
  expect(local.get("token")).toBeNull();
});

it("keeps what belongs to a tab apart", () => {
  perTab.set("reloaded", true);
  expect(perTab.get("reloaded")).toBe(true);
  expect(local.get("reloaded")).toBeNull();
});

it("finds nothing in what can't be read", () => {
  window.localStorage.setItem("camp:camps", "{half");
  expect(local.get("camps")).toBeNull();
});

it("remembers as long as the page when storage is full", () => {
  vi.stubGlobal("localStorage", {
    getItem: () => null,
    setItem: () => {
      throw new DOMException("full", "QuotaExceededError");
    },
    removeItem: () => undefined,
  });
  local.set("token", "abc");
  expect(local.get("token")).toBe("abc");
});

it("remembers as long as the page when storage is forbidden", () => {
  vi.spyOn(window, "localStorage", "get").mockImplementation(() => {
    throw new DOMException("no", "SecurityError");
  });
  local.set("token", "abc");
  expect(local.get("token")).toBe("abc");
  local.remove("token");
  expect(local.get("token")).toBeNull();
});
