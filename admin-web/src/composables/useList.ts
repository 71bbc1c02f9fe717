import { asApiError, type ApiError } from "@shared/api";
import { computed, reactive, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from "vue";
import { useRoute, useRouter, type LocationQuery } from "vue-router";

export const PAGE_SIZES = [10, 20, 50, 100];
const DEFAULT_SIZE = 20;

export interface Paging {
  page: number;
  page_size: number;
}

/** What a list may be filtered by: texts as they stand in the address; empty means not filtered. */
export type Filters<K extends string> = Record<K, string>;

/** `ListFilter` shows its form, `ListTable` its rows: both take it whole. */
export interface List<K extends string, T> {
  /** What the form shows; `search` applies it. */
  form: Filters<K>;
  /** What the shown rows were asked with. */
  applied: ComputedRef<Filters<K>>;
  paging: ComputedRef<Paging>;
  state: Ref<"idle" | "loading" | "done" | "error">;
  rows: ShallowRef<T[]>;
  total: Ref<number>;
  error: ShallowRef<ApiError | null>;
  search: () => void;
  turn: (paging: Partial<Paging>) => void;
  reload: () => Promise<void>;
}

/**
 * A list that the service filters and pages. Its state lives in the address, so that reload, back and a link
 * sent to a colleague show the same rows. An answer that was overtaken is dropped.
 */
export function useList<K extends string, T>(
  keys: readonly K[],
  read: (filters: Filters<K>, paging: Paging) => Promise<{ items: T[]; total: number }>,
): List<K, T> {
  const route = useRoute();
  const router = useRouter();
  const name = route.name;
  const own = new Set<string>([...keys, "page", "page_size"]);
  const state = ref<"idle" | "loading" | "done" | "error">("idle");
  const rows = shallowRef<T[]>([]);
  const total = ref(0);
  const error = shallowRef<ApiError | null>(null);
  let turnOf = 0;

  const applied = computed(() => filtersIn(route.query, keys));
  const paging = computed(() => pagingIn(route.query));
  const form = reactive(filtersIn(route.query, keys)) as Filters<K>;

  async function reload(): Promise<void> {
    const mine = ++turnOf;
    state.value = "loading";
    try {
      const found = await read(applied.value, paging.value);
      if (mine !== turnOf) return;
      rows.value = found.items;
      total.value = found.total;
      error.value = null;
      state.value = "done";
    } catch (thrown) {
      if (mine !== turnOf) return;
      error.value = asApiError(thrown);
      state.value = "error";
    }
  }

  function go(filters: Filters<K>, next: Partial<Paging>): void {
    const { page, page_size } = { ...paging.value, ...next };
    // What belongs to the page but not to this list, such as an open tab, stays.
    const query = Object.fromEntries(Object.entries(route.query).filter(([key]) => !own.has(key)));
    for (const key of keys) if (filters[key] !== "") query[key] = filters[key];
    if (page !== 1) query.page = String(page);
    if (page_size !== DEFAULT_SIZE) query.page_size = String(page_size);
    const target = router.resolve({ query, hash: route.hash });
    if (target.fullPath === route.fullPath) void reload();
    else void router.replace(target);
  }

  watch(
    () => [applied.value, paging.value],
    (now, before) => {
      if (route.name !== name || JSON.stringify(now) === JSON.stringify(before)) return;
      Object.assign(form, applied.value);
      void reload();
    },
    { immediate: true },
  );

  return {
    form,
    applied,
    paging,
    state,
    rows,
    total,
    error,
    search: () => {
      go({ ...form }, { page: 1 });
    },
    turn: (next) => {
      go(applied.value, next);
    },
    reload,
  };
}

function filtersIn<K extends string>(query: LocationQuery, keys: readonly K[]): Filters<K> {
  return Object.fromEntries(keys.map((key) => [key, text(query[key])])) as Filters<K>;
}

function pagingIn(query: LocationQuery): Paging {
  const size = Number(text(query.page_size));
  const page = Number(text(query.page));
  return {
    page: Number.isInteger(page) && page > 0 ? page : 1,
    page_size: PAGE_SIZES.includes(size) ? size : DEFAULT_SIZE,
  };
}

function text(value: LocationQuery[string] | undefined): string {
  const first = Array.isArray(value) ? value[0] : value;
  return first ?? "";
}
