import { ref, shallowRef, type Ref, type ShallowRef } from "vue";

import { asApiError, type ApiError } from "./api";

export type LoadState = "idle" | "loading" | "done" | "error";

export interface Load<T> {
  /** `loading` and `error` may come with the data of an earlier, good load. */
  state: Ref<LoadState>;
  data: ShallowRef<T | null>;
  error: ShallowRef<ApiError | null>;
  load: () => Promise<void>;
}

/** One thing read from the service. Loading again keeps what is shown; an answer that was overtaken is dropped. */
export function useLoad<T>(read: () => Promise<T>): Load<T> {
  const state = ref<LoadState>("idle");
  const data = shallowRef<T | null>(null);
  const error = shallowRef<ApiError | null>(null);
  let turn = 0;

  async function load(): Promise<void> {
    const mine = ++turn;
    state.value = "loading";
    try {
      const found = await read();
      if (mine !== turn) return;
      data.value = found;
      error.value = null;
      state.value = "done";
    } catch (thrown) {
      if (mine !== turn) return;
      error.value = asApiError(thrown);
      state.value = "error";
    }
  }

  return { state, data, error, load };
}
