import { computed, watch, type ComputedRef, type Ref } from "vue";

import { api, type ApiError, type Schemas } from "@/api/client";
import { usePaged, type Paged } from "@shared/usePaged";
import type { LoadState } from "@shared/useLoad";
import { local } from "@/utils/storage";

export type ListTab = Schemas["ListedStatus"];
type Camp = Schemas["CampOut"];

export interface CampList {
  state: ComputedRef<LoadState>;
  camps: ComputedRef<Camp[]>;
  error: ComputedRef<ApiError | null>;
  finished: ComputedRef<boolean>;
  /** What is shown was kept on the device by an earlier visit, because the service could not be reached. */
  kept: ComputedRef<boolean>;
  more: () => Promise<void>;
  refresh: () => Promise<void>;
}

/** The camps of a tab; each tab is read when it is opened first. */
export function useCampList(tab: Ref<ListTab>): CampList {
  const lists: Record<ListTab, Paged<Camp>> = {
    enrolling: readable("enrolling"),
    ongoing: readable("ongoing"),
  };
  const list = computed(() => lists[tab.value]);
  const error = computed(() => list.value.error.value);
  const own = computed(() => list.value.items.value);
  const earlier = computed(() => (error.value && own.value.length === 0 ? keptCamps(tab.value) : []));

  async function refresh(): Promise<void> {
    const asked = tab.value;
    await lists[asked].refresh();
    if (lists[asked].state.value === "done") keep(asked, lists[asked].items.value);
  }

  watch(
    list,
    ({ state }) => {
      if (state.value === "idle") void refresh();
    },
    { immediate: true },
  );

  return {
    state: computed(() => list.value.state.value),
    camps: computed(() => (own.value.length > 0 ? own.value : earlier.value)),
    error,
    finished: computed(() => list.value.finished.value),
    kept: computed(() => earlier.value.length > 0),
    more: () => list.value.more(),
    refresh,
  };
}

function readable(status: ListTab): Paged<Camp> {
  return usePaged(
    (page) => api.get("/api/h5/camps", { query: { status: [status], page } }),
    (camp) => camp.id,
  );
}

function keep(tab: ListTab, camps: Camp[]): void {
  const before = local.get("camps");
  local.set("camps", { ...(typeof before === "object" ? before : {}), [tab]: camps });
}

/** What was kept may be of an older version of this app, or anything. */
function keptCamps(tab: ListTab): Camp[] {
  const kept = local.get("camps");
  const rows: unknown =
    typeof kept === "object" && kept !== null && tab in kept ? (kept as KeptCamps)[tab] : [];
  return Array.isArray(rows) ? rows.filter(isCamp) : [];
}

type KeptCamps = Partial<Record<ListTab, unknown>>;

function isCamp(value: unknown): value is Camp {
  if (typeof value !== "object" || value === null) return false;
  const { id, name, deposit_fen: fen, starts_on: from, ends_on: to, rule } = value as Partial<Camp>;
  const texts = [id, name, from, to, rule?.short];
  return texts.every((text) => typeof text === "string") && [fen, rule?.fee_fen].every(Number.isInteger);
}
