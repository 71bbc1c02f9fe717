import { computed, ref, shallowRef } from "vue";

import { useAction } from "@shared/useAction";

import { api, asApiError, type Schemas } from "@/api/client";
import type { Admitted, Plan, Sum } from "@/utils/reviewRows";

type Result = Schemas["BatchOut"];

export type BatchKind = "approve" | "reject";

/**
 * A batch from the question to its outcome. The service does exactly what was confirmed or nothing: when it would do
 * something else, its own figures are shown and asked about again; for large sums it wants the password.
 */
export function useBatchReview(kind: () => BatchKind, plan: () => Plan, admitted: () => Admitted) {
  /** What the service said it would do, once it differed from the plan. */
  const corrected = shallowRef<Sum | null>(null);
  const passwordWanted = ref(false);
  const passwordWrong = ref("");
  const result = shallowRef<Result | null>(null);
  const figures = computed<Sum>(() => corrected.value ?? { count: plan().count, sumFen: plan().sumFen });

  async function send(reason: string, password: string): Promise<Result> {
    const expected = { expected_count: figures.value.count, expected_sum_fen: figures.value.sumFen };
    const body = { ids: plan().ids, ...expected };
    if (kind() === "reject")
      return api.post("/api/admin/refunds/batch-reject", { body: { ...body, reason } });
    const { minConfidence, acceptImport } = admitted();
    const doubts = { min_confidence: minConfidence, accept_import: acceptImport };
    const secret = passwordWanted.value ? { password } : {};
    return api.post("/api/admin/refunds/batch-approve", { body: { ...body, ...doubts, ...secret } });
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

  /** Another plan: what was said about the one before no longer counts. */
  function restart(): void {
    corrected.value = null;
    error.value = null;
  }

  return { figures, corrected, passwordWanted, passwordWrong, result, busy, error, run, restart };
}

function sumIn(data: Record<string, unknown> | null): Sum {
  return { count: Number(data?.count ?? 0), sumFen: Number(data?.sum_fen ?? 0) };
}
