import { computed, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from "vue";

import { asApiError, type ApiError } from "./api";
import type { LoadState } from "./useLoad";

interface Rows<T> {
  items: T[];
  total: number;
}

export interface Paged<T> {
  state: Ref<LoadState>;
  items: ShallowRef<T[]>;
  error: ShallowRef<ApiError | null>;
  /** Everything there is was read. */
  finished: ComputedRef<boolean>;
  /** Read the next page; what is already on its way is not asked for again. */
  more: () => Promise<void>;
  /** Begin again from the first page; what is shown stays until it arrives. */
  refresh: () => Promise<void>;
}

/** A list read page by page. A row that slid onto the next page meanwhile is shown once. */
export function usePaged<T>(read: (page: number) => Promise<Rows<T>>, idOf: (item: T) => string): Paged<T> {
  const state = ref<LoadState>("idle");
  const items = shallowRef<T[]>([]);
  const error = shallowRef<ApiError | null>(null);
  const ended = ref(false);
  let page = 0;
  let turn = 0;

  async function fetchPage(next: number): Promise<void> {
    const mine = ++turn;
    state.value = "loading";
    try {
      const rows = await read(next);
      if (mine !== turn) return;
      const before = next === 1 ? [] : items.value;
      const known = new Set(before.map(idOf));
      items.value = [...before, ...rows.items.filter((item) => !known.has(idOf(item)))];
      ended.value = rows.items.length === 0 || items.value.length >= rows.total;
      page = next;
      error.value = null;
      state.value = "done";
    } catch (thrown) {
      if (mine !== turn) return;
      error.value = asApiError(thrown);
      state.value = "error";
    }
  }

  return {
    state,
    items,
    error,
    finished: computed(() => ended.value),
    more: async () => {
      if (state.value !== "loading" && !ended.value) await fetchPage(page + 1);
    },
    refresh: () => fetchPage(1),
  };
}
