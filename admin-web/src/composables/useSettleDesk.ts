import { computed, ref, shallowRef } from "vue";

import { price } from "@shared/money";

import type { Schemas } from "@/api/client";
import type { BatchKind } from "@/composables/useBatchReview";
import { useLater } from "@/composables/useLater";
import type { Act } from "@/composables/useRefundActs";
import { useRefundProgress } from "@/composables/useRefundProgress";
import { useRetryAll } from "@/composables/useRetryAll";
import { useReviewCase } from "@/composables/useReviewCase";
import { useReviewDesk } from "@/composables/useReviewDesk";
import { useSettlement } from "@/composables/useSettlement";
import { useSettleView } from "@/composables/useSettleView";
import { undoneText, useUndo } from "@/composables/useUndo";
import { useSession } from "@/stores/session";
import { confirmed, tell } from "@/utils/dialogs";
import { actsFor } from "@/utils/refundActs";
import { planApproval, planRejection, SURE_ONLY } from "@/utils/batchPlan";
import { sumOf, type ReviewRow } from "@/utils/reviewRows";

/** The whole settlement is some hundred kilobytes for a full camp; while refunds move it is read again this often. */
const REREAD_SECONDS = 10;

/** Everything a person does while settling one camp: look at rows, decide one or many, follow the money, go back. */
export function useSettleDesk(campId: () => string) {
  const session = useSession();
  const settlement = useSettlement(campId);
  const view = useSettleView(settlement.rows);
  const reload = useLater(() => void settlement.load(), REREAD_SECONDS);
  const progress = useRefundProgress(campId, () => {
    // What came of the last one is wanted at once: there will be no more news.
    if (progress.moving.value === 0) reload.now();
    else reload.soon();
  });
  const undo = useUndo(
    () => progress.summary.value?.undo_seconds ?? 0,
    (result) => {
      tell(undoneText(result));
      refresh();
    },
  );
  const found = useReviewCase(
    () => view.currentRow.value,
    ({ refund }) => {
      if (refund) settlement.patch(refund);
    },
  );
  const review = useReviewDesk({
    changed: (refund, act) => {
      if (act === "approve") undo.remember([refund.id], refund.amount_fen);
      settlement.patch(refund);
      void progress.load();
      // A decided row usually leaves the list, and the next one is read by itself.
      if (view.currentRow.value?.refundId === refund.id) void found.load();
    },
    stale: refresh,
  });
  const retryAll = useRetryAll();

  const admitted = ref(SURE_ONLY);
  const batch = shallowRef<{ kind: BatchKind; rows: ReviewRow[] } | null>(null);
  const plan = computed(() => {
    if (!batch.value) return null;
    const { kind, rows } = batch.value;
    return kind === "reject" ? planRejection(rows) : planApproval(rows);
  });
  const acts = computed(() => (view.currentRow.value ? actsFor(view.currentRow.value, session.may) : []));
  const undoable = computed(() => {
    const last = undo.last.value;
    if (!last || (progress.summary.value?.by_status.approved?.count ?? 0) === 0) return null;
    const ids = new Set(last.ids);
    if (!settlement.rows.value.some((row) => row.refundId !== null && ids.has(row.refundId))) return null;
    return { count: last.ids.length, sumFen: last.sumFen, secondsLeft: undo.secondsLeft.value };
  });

  function refresh(): void {
    reload.now();
    void progress.load();
    void found.load();
  }

  function begin(act: Act): void {
    const row = view.currentRow.value;
    if (row && acts.value.includes(act) && !review.busy.value) void review.begin(act, row);
  }

  function openBatch(kind: BatchKind): void {
    admitted.value = SURE_ONLY;
    // What was chosen at this moment; a later reading of the list doesn't change it under the person's eyes.
    batch.value = { kind, rows: view.chosen.value };
  }

  /** Rows that changed meanwhile stay selected, with their new values. */
  function batchDone(ids: string[], sumFen: number, stale: string[]): void {
    if (batch.value?.kind === "approve") undo.remember(ids, sumFen);
    const left = new Set(stale);
    const rows = settlement.rows.value.filter((row) => row.refundId !== null && left.has(row.refundId));
    view.selected.value = new Set(rows.map((row) => row.key));
    refresh();
  }

  async function retryFailed(): Promise<void> {
    const failed = view.chosen.value.filter((row) => row.status === "failed");
    const lines = [
      `${failed.length} 笔 · ${price(sumOf(failed).sumFen)}`,
      "将用原退款单号逐笔重新发送；系统会先向微信查询，不会重复退款。",
    ];
    if (!(await confirmed({ title: "重试全部失败的退款", lines, yes: `重试 ${failed.length} 笔` }))) return;
    const { done, left } = await retryAll.run(failed.flatMap((row) => row.refundId ?? []));
    tell([`已重新提交 ${done} 笔`, ...left.map((one) => `${one.count} 笔未提交：${one.text}`)].join("；"));
    refresh();
  }

  function granted(refund: Schemas["RefundOut"]): void {
    tell(`已提交 ${price(refund.amount_fen)} 的特殊退款，等待审核`);
    refresh();
  }

  void settlement.load();

  return {
    settlement,
    view,
    progress,
    undo,
    undoable,
    found,
    review,
    retryAll,
    admitted,
    batch,
    plan,
    acts,
    refresh,
    begin,
    openBatch,
    batchDone,
    retryFailed,
    granted,
  };
}
