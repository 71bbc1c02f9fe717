import { computed, ref, shallowRef, watch, type Ref } from "vue";

import { useAction } from "@shared/useAction";

import type { Schemas } from "@/api/client";
import { planOf, type Plan } from "@/utils/batchPlan";
import { fromRefund, seenOf } from "@/utils/reviewRows";

type Chosen = Schemas["ChosenOut"];
type Seen = Schemas["SeenRowIn"];

/**
 * Refunds selected over all pages, by hand or all that a filter finds. Each is sent as it was seen: in the list, or when
 * all of them were asked for.
 */
export function useRefundSelection(rows: Ref<Schemas["RefundOut"][]>, readAll: () => Promise<Chosen>) {
  const selected = ref(new Set<string>());
  const all = shallowRef<Chosen | null>(null);
  const seen = new Map<string, Seen>();

  function see(): void {
    for (const row of rows.value) seen.set(row.id, { id: row.id, ...seenOf(fromRefund(row)) });
  }
  watch(rows, see);

  /** What fits the filter now, to be shown above the list; the last answer wins. */
  const {
    busy,
    error,
    run: readTotals,
  } = useAction(async () => {
    all.value = await readAll();
    for (const { id, verdict, amount_fen } of all.value.rows)
      seen.set(id, { id, expected_verdict: verdict, expected_amount_fen: amount_fen });
    // What stands in the list before the person's eyes goes before it.
    see();
  });

  return {
    selected,
    totals: computed(() => all.value),
    busy,
    error,
    readTotals,
    selectAll: async () => {
      if (await readTotals()) selected.value = new Set(all.value?.ids ?? []);
    },
    plan: (of: "approve" | "reject"): Plan =>
      planOf(
        [...selected.value].flatMap((id) => seen.get(id) ?? []),
        { sure: of === "approve", hasImport: null },
      ),
  };
}
