import { computed, ref, watch } from "vue";

import { useLoad } from "@shared/useLoad";

import { api, type Schemas } from "@/api/client";
import { useList } from "@/composables/useList";

export type Place = Schemas["PlaceOut"];

/** One camp's check-ins: figures, each day, the names of a day, and the ranking. The camp stands in the address. */
export function useCheckinStats() {
  const ranking = useList<"camp_id" | "q", Place>(["camp_id", "q"], async ({ camp_id, q }, paging) => {
    if (camp_id === "") return { items: [], total: 0 };
    return api.get("/api/admin/camps/{camp_id}/checkins/ranking", {
      path: { camp_id },
      query: { ...paging, ...(q === "" ? {} : { q }) },
    });
  });
  const campId = computed(() => ranking.applied.value.camp_id);

  const overview = useLoad(async () => {
    if (campId.value === "") return null;
    const path = { camp_id: campId.value };
    const [stats, days] = await Promise.all([
      api.get("/api/admin/camps/{camp_id}/checkin-stats", { path }),
      api.get("/api/admin/camps/{camp_id}/checkins/days", { path }),
    ]);
    return { stats, days };
  });

  /** Without a choice the newest running camp is shown, else the newest of all. */
  const newest = useLoad(async () => {
    const first = async (status: Schemas["CampStatus"][]) =>
      (await api.get("/api/admin/camps", { query: { page_size: 1, status } })).items[0];
    return (await first(["ongoing"])) ?? (await first([])) ?? null;
  });

  const day = ref<string | null>(null);
  const names = useLoad(async () => {
    if (day.value === null) return null;
    return api.get("/api/admin/camps/{camp_id}/checkins/days/{day}", {
      path: { camp_id: campId.value, day: day.value },
    });
  });

  function choose(id: string): void {
    ranking.form.camp_id = id;
    ranking.form.q = "";
    ranking.search();
  }

  watch(
    campId,
    async (id) => {
      overview.data.value = null;
      if (id !== "") return overview.load();
      await newest.load();
      if (newest.data.value && campId.value === "") choose(newest.data.value.id);
    },
    { immediate: true },
  );

  return {
    campId,
    choose,
    ranking,
    overview,
    newest,
    day,
    names,
    openDay: (wanted: string) => {
      day.value = wanted;
      names.data.value = null;
      void names.load();
    },
  };
}
