import { computed, ref, watch, type Ref } from "vue";

import type { Schemas } from "@/api/client";
import type { Act } from "@/composables/useRefundActs";
import { useReviewCase } from "@/composables/useReviewCase";
import { useReviewDesk } from "@/composables/useReviewDesk";
import { useSession } from "@/stores/session";
import { actsFor } from "@/utils/refundActs";
import { fromRefund } from "@/utils/reviewRows";

type Refund = Schemas["RefundOut"];

/**
 * A list of refunds with one of them open beside it. What the service says about a row replaces it in the list; `done`
 * hears of each act, `stale` of a row that somebody else changed first.
 */
export function useRefundDesk(
  rows: Ref<Refund[]>,
  { done, stale }: { done: (refund: Refund, act: Act) => void; stale: () => void },
) {
  const session = useSession();
  const current = ref<string | null>(null);
  const isOpen = ref(false);
  let index = 0;

  const refund = computed(() => rows.value.find((row) => row.id === current.value) ?? null);
  const row = computed(() => (refund.value ? fromRefund(refund.value) : null));
  const acts = computed(() => (row.value ? actsFor(row.value, session.may) : []));

  function replace(fresh: Refund): void {
    rows.value = rows.value.map((one) => (one.id === fresh.id ? { ...one, ...fresh } : one));
  }

  const found = useReviewCase(
    () => (isOpen.value ? row.value : null),
    (read) => {
      if (read.refund) replace(read.refund);
    },
  );
  const review = useReviewDesk({
    changed: (fresh, act) => {
      replace(fresh);
      if (isOpen.value) void found.load();
      done(fresh, act);
    },
    stale: () => {
      if (isOpen.value) void found.load();
      stale();
    },
  });

  // A decided row leaves a list of those to decide; the next one takes its place.
  watch(rows, (now) => {
    const at = now.findIndex((one) => one.id === current.value);
    index = at >= 0 ? at : Math.min(index, Math.max(0, now.length - 1));
    current.value = at >= 0 || isOpen.value ? (now[index]?.id ?? null) : null;
    if (current.value === null) isOpen.value = false;
  });

  function select(id: string): void {
    current.value = id;
    index = rows.value.findIndex((one) => one.id === id);
  }

  return {
    current,
    isOpen,
    row,
    acts,
    found,
    review,
    open: (id: string) => {
      select(id);
      isOpen.value = true;
    },
    move: (by: number) => {
      const start = current.value === null ? (by > 0 ? -1 : 0) : index;
      const next = rows.value[Math.min(rows.value.length - 1, Math.max(0, start + by))];
      if (next) select(next.id);
    },
    begin: (act: Act) => {
      if (row.value && acts.value.includes(act) && !review.busy.value) void review.begin(act, row.value);
    },
    /** From a button in the list. */
    beginAt: (id: string, act: Act) => {
      select(id);
      if (row.value && !review.busy.value) void review.begin(act, row.value);
    },
  };
}

export type RefundDesk = ReturnType<typeof useRefundDesk>;
