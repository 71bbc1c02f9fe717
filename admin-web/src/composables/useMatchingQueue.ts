import { computed } from "vue";

import { api, type Schemas } from "@/api/client";
import { useList, type Filters } from "@/composables/useList";

export type MatchingTab = Schemas["Tab"];
type Row = Schemas["QueueRowOut"];

export const MATCHING_TABS: Record<MatchingTab, string> = {
  to_match: "待匹配",
  to_confirm: "需确认",
  conflict: "冲突",
  closed: "已关闭",
};

const isTab = (text: string): text is MatchingTab => text in MATCHING_TABS;

function queryOf({ tab, camp_id, q }: Filters<"tab" | "camp_id" | "q">) {
  return {
    tab: isTab(tab) ? tab : ("to_match" as const),
    ...(camp_id === "" ? {} : { camp_id }),
    ...(q === "" ? {} : { q }),
  };
}

/** The members a person has to look at, by tab; the tab stands in the address like the filters. */
export function useMatchingQueue() {
  // Each answer's counts go with its rows, so that both are of the same moment.
  const countsOf = new WeakMap<Row[], Partial<Record<MatchingTab, number>>>();
  const list = useList<"tab" | "camp_id" | "q", Row>(["tab", "camp_id", "q"], async (filters, paging) => {
    const found = await api.get("/api/admin/matching", { query: { ...paging, ...queryOf(filters) } });
    countsOf.set(found.items, found.counts);
    return found;
  });

  const tab = computed<MatchingTab>(() =>
    isTab(list.applied.value.tab) ? list.applied.value.tab : "to_match",
  );

  return {
    list,
    tab,
    /** What the shown rows were asked with, also for the export. */
    query: computed(() => queryOf(list.applied.value)),
    counts: computed(() => countsOf.get(list.rows.value) ?? {}),
    show: (next: MatchingTab) => {
      list.form.tab = next === "to_match" ? "" : next;
      list.search();
    },
  };
}
