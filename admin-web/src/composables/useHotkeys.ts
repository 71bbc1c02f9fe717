import { onScopeDispose } from "vue";

/**
 * Single keys for what the page does all day. They rest while somebody types, while a key is held together with
 * Ctrl, Alt or ⌘, and while `enabled` says no (a dialog is open). Enter stays with the button or link that has the focus.
 */
export function useHotkeys(keys: Record<string, () => void>, enabled: () => boolean): void {
  function pressed(event: KeyboardEvent): void {
    const act = keys[event.key];
    if (!act || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (!enabled() || isTyping(event.target) || isInDialog(event.target)) return;
    if (event.key === "Enter" && isPressable(event.target)) return;
    event.preventDefault();
    act();
  }

  document.addEventListener("keydown", pressed);
  onScopeDispose(() => {
    document.removeEventListener("keydown", pressed);
  });
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  const takesText =
    target instanceof HTMLInputElement && !["checkbox", "radio", "button"].includes(target.type);
  return takesText || target.isContentEditable || ["TEXTAREA", "SELECT"].includes(target.tagName);
}

/** Dialogs keep the focus inside; a drawer shows a row of the list, so its keys go on. */
function isInDialog(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('[aria-modal="true"]:not(.el-drawer)') !== null;
}

function isPressable(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && ["BUTTON", "A", "SUMMARY"].includes(target.tagName);
}
