import { ref } from "vue";

import { api, asApiError } from "@/api/client";

export interface Retried {
  done: number;
  /** The service's words for what stayed, with how many rows. */
  left: { text: string; count: number }[];
}

/** Sends many failed refunds again, one after the other; each keeps its number and has its own outcome. */
export function useRetryAll() {
  const at = ref<{ done: number; of: number } | null>(null);

  async function run(refundIds: string[]): Promise<Retried> {
    const left = new Map<string, number>();
    at.value = { done: 0, of: refundIds.length };
    try {
      for (const refund_id of refundIds) {
        try {
          await api.post("/api/admin/refunds/{refund_id}/retry", { path: { refund_id } });
        } catch (thrown) {
          const { message } = asApiError(thrown);
          left.set(message, (left.get(message) ?? 0) + 1);
        }
        at.value = { done: at.value.done + 1, of: refundIds.length };
      }
    } finally {
      at.value = null;
    }
    const stayed = [...left].map(([text, count]) => ({ text, count }));
    return { done: refundIds.length - stayed.reduce((sum, one) => sum + one.count, 0), left: stayed };
  }

  return { at, run };
}
