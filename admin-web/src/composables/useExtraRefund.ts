import { computed, ref, watch } from "vue";

import { useAction } from "@shared/useAction";
import { useLoad } from "@shared/useLoad";

import { api, type Schemas } from "@/api/client";

/** Asking for a refund beside the list: find the member, take one of the payments, say how much and why. */
export function useExtraRefund(memberId: string | null, done: (refund: Schemas["RefundOut"]) => void) {
  const member = ref(memberId ?? "");
  const q = ref("");
  const people = useLoad(async () => {
    const rows = await api.get("/api/admin/members", { query: { q: q.value, page_size: 20 } });
    return rows.items;
  });
  const detail = useLoad(async () => {
    const found = await api.get("/api/admin/members/{member_id}", { path: { member_id: member.value } });
    return { ...found, payments: found.payments.filter((payment) => payment.status === "paid") };
  });
  const payment = ref("");

  watch(
    member,
    async (id) => {
      payment.value = "";
      if (id === "") return;
      await detail.load();
      payment.value = detail.data.value?.payments[0]?.id ?? "";
    },
    { immediate: true },
  );

  /** What is left of the chosen payment, as far as it can be told here: the service checks it. */
  const leftFen = computed(() => {
    const { payments, refunds } = detail.data.value ?? { payments: [], refunds: [] };
    const paid = payments.find((one) => one.id === payment.value)?.amount_fen ?? 0;
    const back = refunds.filter((refund) => refund.status === "succeeded");
    return payments.length === 1 ? paid - back.reduce((sum, refund) => sum + refund.amount_fen, 0) : paid;
  });

  const send = useAction(async (body: Omit<Schemas["ExtraIn"], "payment_id">) => {
    done(await api.post("/api/admin/refunds", { body: { ...body, payment_id: payment.value } }));
  });

  function search(text: string): void {
    q.value = text.trim();
    if (q.value !== "") void people.load();
  }

  return { member, people, search, detail, payment, leftFen, send };
}
