import { useAction } from "@shared/useAction";

import { api, asApiError, type ApiError, type Schemas } from "@/api/client";

type Refund = Schemas["RefundOut"];

/** The row isn't what the screen shows any more: somebody else, the provider, or a sync was quicker. */
const STALE = new Set<ApiError["code"]>([
  "refund_already_reviewed",
  "refund_already_sent",
  "refund_not_approved",
  "refund_not_failed",
  "refund_not_rejected",
  "stale_evidence",
  "refund_nothing_due",
  "retry_exhausted",
  "not_found",
]);

export const isStale = (error: unknown): boolean => STALE.has(asApiError(error).code);

export type Act = "approve" | "reject" | "undo" | "reopen" | "retry" | "refresh" | "settleOffline";

/** What the reviewer saw of the row. */
export type Seen = Omit<Schemas["SeenRowIn"], "id">;

/** `text` is the note or reason that the act asks for. */
const SEND: Record<Act, (path: { refund_id: string }, text: string, seen: Seen) => Promise<Refund>> = {
  approve: (path, note, seen) =>
    api.post("/api/admin/refunds/{refund_id}/approve", { path, body: { ...seen, note: note || null } }),
  reject: (path, reason, seen) =>
    api.post("/api/admin/refunds/{refund_id}/reject", { path, body: { ...seen, reason } }),
  undo: (path) => api.post("/api/admin/refunds/{refund_id}/undo", { path }),
  reopen: (path, reason) => api.post("/api/admin/refunds/{refund_id}/reopen", { path, body: { reason } }),
  retry: (path) => api.post("/api/admin/refunds/{refund_id}/retry", { path }),
  refresh: (path) => api.post("/api/admin/refunds/{refund_id}/refresh", { path }),
  settleOffline: (path, note) =>
    api.post("/api/admin/refunds/{refund_id}/settle-offline", { path, body: { note } }),
};

/**
 * What a person does with one refund. `done` gets the row as the service has it now; `stale` hears that the screen
 * was behind and that the row is to be read again.
 */
export function useRefundActs(done: (refund: Refund, act: Act) => void, stale: (refundId: string) => void) {
  return useAction(async (act: Act, refundId: string, text: string, seen: Seen) => {
    try {
      done(await SEND[act]({ refund_id: refundId }, text, seen), act);
    } catch (thrown) {
      if (isStale(thrown)) stale(refundId);
      throw thrown;
    }
  });
}
