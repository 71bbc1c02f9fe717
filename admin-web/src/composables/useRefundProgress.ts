import { computed, ref, watch } from "vue";

import { useAction } from "@shared/useAction";
import { useLoad } from "@shared/useLoad";

import { api, type Schemas } from "@/api/client";
import { usePolling } from "@/composables/usePolling";

/** Accepted refunds may take WeChat days: without news for this long they are asked about less often. */
const QUIET_SECONDS = 30;

/**
 * How refunds are getting on, of one camp or with an empty id of all: counts and sums by state and the hold on sending.
 * Read every 2 seconds while something moves, so that it shows the service's state also after a reload.
 */
export function useRefundProgress(campId: () => string, changed: () => void) {
  const { state, data, error, load } = useLoad(() =>
    api.get("/api/admin/refunds/summary", { query: campId() === "" ? {} : { camp_id: campId() } }),
  );
  const lastNews = ref(performance.now());
  const quiet = ref(false);

  const count = (status: Schemas["RefundStatus"]) => data.value?.by_status[status]?.count ?? 0;
  const leaving = computed(() => count("approved") + count("sending"));
  const moving = computed(() => leaving.value + count("processing"));

  async function ask(): Promise<void> {
    await load();
    quiet.value = performance.now() - lastNews.value > QUIET_SECONDS * 1000;
  }

  usePolling(ask, () => moving.value > 0 && !quiet.value, 2);
  usePolling(ask, () => moving.value > 0 && quiet.value, 15);
  watch(campId, () => void load(), { immediate: true });
  watch(
    () => JSON.stringify(data.value?.by_status),
    (_, before) => {
      lastNews.value = performance.now();
      quiet.value = false;
      if (before !== undefined) changed();
    },
  );

  const resume = useAction(async () => {
    try {
      await api.post("/api/admin/refunds/resume");
    } finally {
      await load();
    }
  });

  return { state, error, summary: data, leaving, moving, load, resume };
}
