import { computed, watch, type ComputedRef, type ShallowRef } from "vue";

import { useAction, type Action } from "@shared/useAction";
import { useLoad } from "@shared/useLoad";

import { api, type Schemas } from "@/api/client";
import { usePolling } from "@/composables/usePolling";

export interface SyncOfCamp {
  /** The camp's latest reading of 知识星球; null before the first one. */
  run: ShallowRef<Schemas["SyncRunOut"] | null>;
  running: ComputedRef<boolean>;
  /** Ask for a reading now. */
  start: Action<[]>;
}

/** A camp's reading of 知识星球: shown while it goes on, also after the page was loaded anew, and at its end. */
export function useSyncRun(campId: string, ended: () => void): SyncOfCamp {
  const { data: run, load } = useLoad(async () => {
    const query = { camp_id: campId, page: 1, page_size: 1 };
    const latest = await api.get("/api/admin/sync-runs", { query });
    return latest.items[0] ?? null;
  });
  const running = computed(() => run.value?.status === "running");
  const start = useAction(async () => {
    try {
      await api.post("/api/admin/camps/{camp_id}/sync", { path: { camp_id: campId } });
    } finally {
      // Also after a refusal: a colleague's reading may be under way.
      await load();
    }
  });

  usePolling(load, () => running.value);
  watch(running, (now, before) => {
    if (before && !now) ended();
  });
  void load();

  return { run, running, start };
}
