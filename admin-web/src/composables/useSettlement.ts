import { computed, shallowRef, watch } from "vue";

import { useLoad } from "@shared/useLoad";

import { api, type Schemas } from "@/api/client";
import { fromLine, fromRefund, withRefund, type ReviewRow } from "@/utils/reviewRows";

/** The service's largest page; extra refunds of one camp are a handful. */
const MOST = 200;

/** Where a camp's deposits stand: everybody who paid, and the refunds outside the list. */
export function useSettlement(campId: () => string) {
  const settlement = useLoad(async () => {
    const path = { camp_id: campId() };
    const found = await api.get("/api/admin/camps/{camp_id}/settlement", { path });
    const lines = found.items.map(fromLine);
    return { found, rows: [...lines, ...(await extras(found, lines))] };
  });
  const rows = shallowRef<ReviewRow[]>([]);

  watch(settlement.data, (now) => {
    rows.value = now?.rows ?? [];
  });

  /** Refunds that no line shows: paid twice, paid too late, or granted beside the list. */
  async function extras(found: Schemas["SettlementOut"], lines: ReviewRow[]): Promise<ReviewRow[]> {
    const shown = new Set(lines.map((row) => row.refundId));
    const all = Object.values(found.summary.refunds).reduce((sum, one) => sum + one.count, 0);
    if (all <= lines.filter((row) => row.refundId !== null).length) return [];
    const kinds = ["duplicate", "exception"] as const;
    const pages = await Promise.all(
      kinds.map((kind) =>
        api.get("/api/admin/refunds", { query: { camp_id: campId(), kind, page_size: MOST } }),
      ),
    );
    return pages
      .flatMap((page) => page.items)
      .filter((refund) => !shown.has(refund.id))
      .map(fromRefund);
  }

  return {
    state: settlement.state,
    error: settlement.error,
    load: settlement.load,
    found: computed(() => settlement.data.value?.found ?? null),
    rows,
    /** Take in the newest word about one refund without reading everything again. */
    patch: (refund: Schemas["RefundOut"]) => {
      rows.value = withRefund(rows.value, refund);
    },
  };
}
