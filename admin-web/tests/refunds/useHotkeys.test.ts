import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { useHotkeys } from "@/composables/useHotkeys";

import { within } from "./within";

const approve = vi.fn();
let enabled = true;
beforeEach(() => {
  enabled = true;
  approve.mockClear();
  within(() => {
    useHotkeys({ a: approve, Enter: approve }, () => enabled);
    return true;
  });
});
afterEach(() => {
  document.body.innerHTML = "";
});

function press(key: string, at: string | null = null, more: KeyboardEventInit = {}): void {
  if (at) document.body.insertAdjacentHTML("beforeend", at);
  const target = at ? document.querySelector("[id=at]") : document.body;
  target?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, ...more }));
}

it("acts on its key, not on others", () => {
  press("a");
  press("b");
  expect(approve).toHaveBeenCalledTimes(1);
});

it.each([
  ["while typing", "a", '<input id="at">', {}],
  ["in a longer text", "a", '<textarea id="at"></textarea>', {}],
  ["inside a dialog", "a", '<div aria-modal="true"><button id="at"></button></div>', {}],
  ["with a modifier", "a", null, { ctrlKey: true }],
  ["while a word is being composed", "a", null, { isComposing: true }],
  ["on a button that has the focus", "Enter", '<button id="at"></button>', {}],
])("rests %s", (_, key, at, more) => {
  press(key, at, more);
  expect(approve).not.toHaveBeenCalled();
});

it("goes on in a check box and in a drawer", () => {
  press("a", '<input id="at" type="checkbox">');
  document.body.innerHTML = "";
  press("a", '<div aria-modal="true" class="el-drawer"><p id="at"></p></div>');
  expect(approve).toHaveBeenCalledTimes(2);
});

it("rests when the page says so", () => {
  enabled = false;
  press("a");
  expect(approve).not.toHaveBeenCalled();
});
