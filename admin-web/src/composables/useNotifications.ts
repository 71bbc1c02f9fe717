import { computed, ref } from "vue";

import { useAction } from "@shared/useAction";
import { useLoad } from "@shared/useLoad";

import { api, type Schemas } from "@/api/client";
import type { Figure } from "@/components/FigureCards.vue";
import { useList } from "@/composables/useList";
import { confirmed, tell, tellRefusal } from "@/utils/dialogs";
import type { Choice } from "@/utils/labels";

export type Notification = Schemas["NotificationOut"];
export const NOTICE_FILTERS = ["scene", "channel", "status", "camp_id", "from", "to", "q"] as const;
type Filters = Record<(typeof NOTICE_FILTERS)[number], string>;

const queryOf = (filters: Filters) => ({
  scene: filters.scene || undefined,
  channel: (filters.channel || undefined) as Schemas["NoticeChannel"] | undefined,
  status: (filters.status || undefined) as Schemas["NoticeStatus"] | undefined,
  camp_id: filters.camp_id || undefined,
  from: filters.from || undefined,
  to: filters.to || undefined,
  q: filters.q || undefined,
});

/** Whether sending again makes sense: what waits is sent anyway, and what lies in the member's app stays there. */
export const canResend = (row: Notification) => row.channel !== "inbox" && row.status !== "pending";

/** The record of messages: the list, how many are not sent, and sending again. */
export function useNotifications() {
  // The list asks at once, before it has a name here.
  let asked = {} as Filters;
  const unsent = useLoad(() => api.get("/api/admin/notifications/unsent", { query: queryOf(asked) }));
  const list = useList(NOTICE_FILTERS, (filters, paging) => {
    asked = filters;
    void unsent.load();
    return api.get("/api/admin/notifications", { query: { ...queryOf(filters), ...paging } });
  });
  const named = useLoad(() => api.get("/api/admin/notifications/scenes"));
  void named.load();
  const scenes = computed<Choice[]>(() =>
    (named.data.value ?? []).map((scene) => ({ value: scene.code, label: scene.title })),
  );
  const selected = ref(new Set<string>());

  const figures = computed<Figure[]>(() => {
    const { pending, failed, skipped } = unsent.data.value ?? { pending: 0, failed: 0, skipped: 0 };
    // Narrowed to one state the list counts only that one.
    const sent = list.applied.value.status
      ? list.applied.value.status === "sent"
        ? list.total.value
        : 0
      : Math.max(0, list.total.value - pending - failed - skipped);
    return [
      { name: "已发送", value: sent.toLocaleString() },
      { name: "待发送", value: pending.toLocaleString(), note: "含等待发送时段的" },
      { name: "发送失败", value: failed.toLocaleString(), note: failed > 0 ? "可查看原因后重发" : "" },
      { name: "已跳过", value: skipped.toLocaleString(), note: "无法送达，不会重试" },
    ];
  });

  const resend = useAction(async (ids: string[]) => {
    const { done, results } = await api.post("/api/admin/notifications/resend", { body: { ids } });
    const left = results.find((line) => !line.ok);
    if (done > 0) tell(`已重新排队 ${done} 条`);
    if (left) tellRefusal({ message: `${results.length - done} 条未重发：${left.message}` });
    selected.value = new Set();
    await list.reload();
  });

  async function run(ids: string[]): Promise<void> {
    if (!(await resend.run(ids)) && resend.error.value) tellRefusal(resend.error.value);
  }

  async function resendSelected(): Promise<void> {
    const ids = [...selected.value];
    const yes = await confirmed({
      title: "重发所选通知",
      lines: [
        `将重新发送所选的 ${ids.length} 条通知，接收人可能会再次收到。`,
        "发给会员的通知仍只在发送时段内送出；站内消息和待发送的会跳过。",
      ],
      yes: `重发 ${ids.length} 条`,
    });
    if (yes) await run(ids);
  }

  return { list, unsent, scenes, figures, selected, busy: resend.busy, resend: run, resendSelected };
}
