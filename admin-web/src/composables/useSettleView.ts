import { computed, ref, watch, type Ref } from "vue";
import { useRoute, useRouter } from "vue-router";

import {
  fits,
  GROUPS,
  groupOf,
  STAGES,
  stageOf,
  sumsBy,
  type Group,
  type ReviewRow,
  type Stage,
} from "@/utils/reviewRows";

/** Which rows are shown, kept in the address; the row under the cursor; and the rows selected for a batch. */
export function useSettleView(rows: Readonly<Ref<ReviewRow[]>>) {
  const route = useRoute();
  const router = useRouter();
  const selected = ref(new Set<string>());
  const current = ref<string | null>(null);
  let index = 0;

  function inAddress<T extends string>(key: "group" | "q", read: (text: string) => T) {
    return computed<T>({
      get: () => read(String(route.query[key] ?? "")),
      set: (value) => void router.replace({ query: { ...route.query, [key]: value || undefined } }),
    });
  }

  const stage = computed<Stage | "">({
    get: () => {
      const text = String(route.query.stage ?? "");
      return text in STAGES ? (text as Stage) : "";
    },
    set: (value) => {
      // Filters that would hide everybody of the stage are given up: an empty list would say that nobody is there.
      const kept = ofGroup(ofStage(value)).length > 0 ? {} : { group: undefined, q: undefined };
      // An emptied stage is said aloud: the page begins with those to review only when nothing is said.
      void router.replace({ query: { ...route.query, ...kept, stage: value || "all" } });
    },
  });
  const group = inAddress<Group | "">("group", (text) => (text in GROUPS ? (text as Group) : ""));
  const q = inAddress<string>("q", (text) => text);

  const ofStage = (wanted: Stage | "") =>
    rows.value.filter((row) => (wanted === "" || stageOf(row) === wanted) && fits(row, q.value));
  const ofGroup = (list: ReviewRow[]) =>
    group.value === "" ? list : list.filter((row) => groupOf(row) === group.value);
  const inStage = computed(() => ofStage(stage.value));
  const shown = computed(() => ofGroup(inStage.value));

  // A row that leaves the list (it was decided) gives its place to the next one.
  watch(shown, (now) => {
    const found = now.findIndex((row) => row.key === current.value);
    index = found >= 0 ? found : Math.min(index, Math.max(0, now.length - 1));
    current.value = now[index]?.key ?? null;
  });

  function open(key: string): void {
    current.value = key;
    index = Math.max(
      0,
      shown.value.findIndex((row) => row.key === key),
    );
  }

  function move(by: number): void {
    const next = shown.value[Math.min(shown.value.length - 1, Math.max(0, index + by))];
    if (next) open(next.key);
  }

  function toggle(key: string): void {
    const next = new Set(selected.value);
    if (!next.delete(key)) next.add(key);
    selected.value = next;
  }

  // What waits for review comes first, unless the address asks for something else.
  const begun = watch(rows, (now) => {
    if (now.length === 0) return;
    begun();
    if (route.query.stage === undefined && now.some((row) => stageOf(row) === "review"))
      stage.value = "review";
  });

  return {
    stage,
    group,
    q,
    shown,
    selected,
    current,
    stages: computed(() => sumsBy(rows.value, stageOf)),
    groups: computed(() => sumsBy(inStage.value, groupOf)),
    currentRow: computed(() => shown.value.find((row) => row.key === current.value) ?? null),
    /** What a batch is about: the selected rows, or without any the shown ones. */
    chosen: computed(() =>
      selected.value.size > 0 ? rows.value.filter((row) => selected.value.has(row.key)) : shown.value,
    ),
    open,
    move,
    toggle,
  };
}
