import { computed, shallowRef } from "vue";

import { api, type Schemas } from "@/api/client";
import type { Sorting } from "@/components/ListTable.vue";
import { useList } from "@/composables/useList";
import type { Range } from "@/utils/ranges";

const KEYS = ["from", "to", "sort", "order"] as const;
type Wanted = Record<(typeof KEYS)[number], string>;

/** What the address asks for, as the service's query. */
export function reportQuery(wanted: Wanted) {
  return {
    from: wanted.from || undefined,
    to: wanted.to || undefined,
    sort: (wanted.sort || undefined) as Schemas["Sort"] | undefined,
    order: wanted.order === "asc" ? ("asc" as const) : undefined,
  };
}

/** 训练营报表: figures of a range, and its camps as a list. Range, order and page stand in the address. */
export function useCampReport() {
  const report = shallowRef<Schemas["CampReportOut"] | null>(null);
  const list = useList(KEYS, async (wanted, paging) => {
    const found = await api.get("/api/admin/statistics/camp", {
      query: { ...paging, ...reportQuery(wanted) },
    });
    report.value = found;
    return found;
  });
  const sorting = computed<Sorting>(() => ({
    by: list.applied.value.sort || "starts_on",
    order: list.applied.value.order === "asc" ? "asc" : "desc",
  }));

  return {
    report,
    list,
    sorting,
    choose: (range: Range) => {
      Object.assign(list.form, range);
      list.search();
    },
    sort: (wanted: Sorting | null) => {
      Object.assign(list.form, { sort: wanted?.by ?? "", order: wanted?.order === "asc" ? "asc" : "" });
      list.search();
    },
  };
}
