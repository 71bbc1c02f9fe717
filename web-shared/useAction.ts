import { ref, shallowRef, type Ref, type ShallowRef } from "vue";

import { asApiError, type ApiError } from "./api";

export interface Action<A extends unknown[]> {
  /** Under way: the button that starts it is disabled. */
  busy: Ref<boolean>;
  error: ShallowRef<ApiError | null>;
  /** Does nothing while it is under way; true when it went well. */
  run: (...args: A) => Promise<boolean>;
}

/** Something a person starts by a button. Pressed twice, it happens once. */
export function useAction<A extends unknown[]>(act: (...args: A) => Promise<void>): Action<A> {
  const busy = ref(false);
  const error = shallowRef<ApiError | null>(null);

  async function run(...args: A): Promise<boolean> {
    if (busy.value) return false;
    busy.value = true;
    error.value = null;
    try {
      await act(...args);
      return true;
    } catch (thrown) {
      error.value = asApiError(thrown);
      return false;
    } finally {
      busy.value = false;
    }
  }

  return { busy, error, run };
}
