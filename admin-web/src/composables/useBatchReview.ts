import { computed, ref, shallowRef } from "vue";

import { useAction } from "@shared/useAction";

import { api, asApiError, type Schemas } from "@/api/client";
import type { Admitted, Plan } from "@/utils/batchPlan";
import type { Sum } from "@/utils/reviewRows";

type Result = Schemas["BatchOut"];

export type BatchKind = "approve" | "reject";

const NOTHING: Sum = { count: 0, sumFen: 0 };

/**
 * A batch from the question to its outcome. The service does exactly what was confirmed or nothing: when it would do
 * something else, its own figures are shown and asked about again; for large sums it wants the password.
 */
export function useBatchReview(kind: () => BatchKind, plan: () => Plan, admitted: () => Admitted) {
  /** What the service would do with rows in doubt taken along. */
  const asked = shallowRef<Sum | null>(null);
  /** What the service said it would do, once it differed from what was confirmed. */
  const corrected = shallowRef<Sum | null>(null);
  const passwordWanted = ref(false);
  const passwordWrong = ref("");
  const result = shallowRef<Result | null>(null);
  const confirmed = computed<Sum>(() => asked.value ?? { count: plan().count, sumFen: plan().sumFen });
  const figures = computed<Sum>(() => corrected.value ?? confirmed.value);

  const bodyOf = ({ count, sumFen }: Sum) => ({
    ids: plan().rows.map((row) => row.id),
    rows: plan().rows,
    expected_count: count,
    expected_sum_fen: sumFen,
  });

  async function approve(expected: Sum, password: string): Promise<Result> {
    const { minConfidence, acceptImport } = admitted();
    const doubts = { min_confidence: minConfidence, accept_import: acceptImport };
    const secret = passwordWanted.value && password !== "" ? { password } : {};
    return api.post("/api/admin/refunds/batch-approve", {
      body: { ...bodyOf(expected), ...doubts, ...secret },
    });
  }

  async function send(reason: string, password: string): Promise<Result> {
    if (kind() === "approve") return approve(figures.value, password);
    return api.post("/api/admin/refunds/batch-reject", { body: { ...bodyOf(figures.value), reason } });
  }

  const { busy, error, run } = useAction(async (reason: string, password: string) => {
    passwordWrong.value = "";
    try {
      result.value = await send(reason, password);
    } catch (thrown) {
      const { code, data, message } = asApiError(thrown);
      if (code === "expectation_mismatch") corrected.value = sumIn(data);
      else if (code === "password_required") passwordWanted.value = true;
      else if (code === "password_wrong") passwordWrong.value = message;
      else throw thrown;
    }
  });

  /** Which rows in doubt pass, the service alone knows. Expected to do nothing, it says what it would do, or does nothing. */
  const asking = useAction(async () => {
    corrected.value = null;
    try {
      await approve(NOTHING, "");
      asked.value = NOTHING;
    } catch (thrown) {
      const { code, data } = asApiError(thrown);
      if (code !== "expectation_mismatch") throw thrown;
      asked.value = sumIn(data);
    }
  });

  /** Another plan: what was said about the one before no longer counts. */
  function restart(): void {
    asked.value = null;
    corrected.value = null;
    error.value = null;
  }

  return {
    confirmed,
    figures,
    corrected,
    passwordWanted,
    passwordWrong,
    result,
    busy: computed(() => busy.value || asking.busy.value),
    error: computed(() => error.value ?? asking.error.value),
    run,
    ask: asking.run,
    restart,
  };
}

function sumIn(data: Record<string, unknown> | null): Sum {
  return { count: Number(data?.count ?? 0), sumFen: Number(data?.sum_fen ?? 0) };
}
