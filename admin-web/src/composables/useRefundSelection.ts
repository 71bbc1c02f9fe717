import { computed, ref, shallowRef, watch, type Ref } from "vue";

import { useAction } from "@shared/useAction";

import type { Schemas } from "@/api/client";
import {
  fromRefund,
  planApproval,
  planRejection,
  type Admitted,
  type Plan,
  type ReviewRow,
} from "@/utils/reviewRows";

type Chosen = Schemas["ChosenOut"];

/**
 * Refunds selected over all pages, by hand or all that a filter finds. Of the latter only count and sum are known here;
 * the service looks at each row and asks again where it would leave some out.
 */
export function useRefundSelection(rows: Ref<Schemas["RefundOut"][]>, readAll: () => Promise<Chosen>) {
  const selected = ref(new Set<string>());
  const all = shallowRef<Chosen | null>(null);
  const seen = new Map<string, ReviewRow>();

  watch(rows, (now) => {
    for (const row of now) seen.set(row.id, fromRefund(row));
  });

  /** What fits the filter now, to be shown above the list; the last answer wins. */
  const {
    busy,
    error,
    run: readTotals,
  } = useAction(async () => {
    all.value = await readAll();
  });

  function plan(of: "approve" | "reject", admitted: Admitted): Plan {
    const ids = [...selected.value];
    const known = ids.flatMap((id) => seen.get(id) ?? []);
    if (known.length === ids.length)
      return of === "approve" ? planApproval(known, admitted) : planRejection(known);
    return {
      ids,
      count: ids.length,
      sumFen: sumOfSelected(ids, seen, all.value),
      leftOut: [],
      onImport: null,
    };
  }

  return {
    selected,
    totals: computed(() => all.value),
    busy,
    error,
    readTotals,
    selectAll: async () => {
      if (await readTotals()) selected.value = new Set(all.value?.ids ?? []);
    },
    plan,
  };
}

/** Rows never shown are all among those that the filter found: their sum is what is left of the whole one. */
export function sumOfSelected(ids: string[], seen: Map<string, ReviewRow>, all: Chosen | null): number {
  const selected = new Set(ids);
  const known = ids.reduce((sum, id) => sum + (seen.get(id)?.amountFen ?? 0), 0);
  if (!all) return known;
  const knownOfAll = all.ids.reduce((sum, id) => sum + (seen.get(id)?.amountFen ?? 0), 0);
  const unseen = all.ids.some((id) => !seen.has(id) && selected.has(id));
  return known + (unseen ? all.sum_fen - knownOfAll : 0);
}
