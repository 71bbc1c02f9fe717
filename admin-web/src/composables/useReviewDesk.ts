import { computed, ref, shallowRef } from "vue";

import { price } from "@shared/money";

import type { Schemas } from "@/api/client";
import { useRefundActs, isStale, type Act } from "@/composables/useRefundActs";
import { confirmed, tell, tellRefusal } from "@/utils/dialogs";
import { REFUND_STATUS } from "@/utils/labels";
import { REJECT_REASONS } from "@/utils/refundTexts";
import { GROUPS, groupOf, type ReviewRow } from "@/utils/reviewRows";

type Refund = Schemas["RefundOut"];

/** What is asked before an act that goes on record with words. */
export interface Question {
  title: string;
  lines: string[];
  label: string;
  required: boolean;
  yes: string;
  danger?: boolean;
  presets?: string[];
  proposal?: string;
  placeholder?: string;
}

interface Desk {
  /** The row as it is now. */
  changed: (refund: Refund, act: Act) => void;
  /** The screen was behind: read the row again. */
  stale: (refundId: string) => void;
}

const DONE: Record<Exclude<Act, "refresh">, string> = {
  approve: "已通过",
  reject: "已拒绝",
  undo: "已撤销，退回待审核",
  reopen: "已退回待审核",
  retry: "已重新提交",
  settleOffline: "已标记为处理完成",
};

/** Acts on one row after the other: asked about with figures, done once, told about; a stale row is read again. */
export function useReviewDesk({ changed, stale }: Desk) {
  const asking = shallowRef<{ act: Act; row: ReviewRow } | null>(null);
  const confirming = ref(false);
  const acts = useRefundActs((refund, act) => {
    asking.value = null;
    tell(act === "refresh" ? `最新状态：${REFUND_STATUS[refund.status].text}` : DONE[act]);
    changed(refund, act);
  }, stale);

  async function send(act: Act, row: ReviewRow, text: string): Promise<void> {
    if (row.refundId === null || (await acts.run(act, row.refundId, text)) || !acts.error.value) return;
    if (isStale(acts.error.value)) asking.value = null;
    // What is wrong stands in the open dialog; without one it is told.
    if (!asking.value) tellRefusal(acts.error.value);
  }

  async function begin(act: Act, row: ReviewRow): Promise<void> {
    acts.error.value = null;
    if (act === "undo" || act === "refresh") return send(act, row, "");
    if (act !== "retry") {
      asking.value = { act, row };
      return;
    }
    const lines = [about(row), ...retryLines(row)];
    confirming.value = true;
    const yes = await confirmed({ title: "重试退款", lines, yes: "重试" });
    confirming.value = false;
    if (yes) await send(act, row, "");
  }

  const problem = computed(() => {
    const { error } = acts;
    return error.value ? (error.value.fields.note ?? error.value.fields.reason ?? error.value.message) : "";
  });

  return {
    asking,
    confirming,
    question: computed(() => (asking.value ? questionFor(asking.value.act, asking.value.row) : null)),
    busy: acts.busy,
    problem,
    begin,
    submit: async (text: string) => {
      if (asking.value) await send(asking.value.act, asking.value.row, text);
    },
  };
}

function about(row: ReviewRow): string {
  const days = row.days === null ? "" : ` · 打卡 ${row.days}/${row.required ?? "—"} 天`;
  return `${row.name} · ${price(row.amountFen)}${days} · ${GROUPS[groupOf(row)].text}`;
}

function retryLines(row: ReviewRow): string[] {
  return row.status === "closed"
    ? ["微信已关闭这笔退款。重试会生成新的退款单，需要再次审核。"]
    : ["将用同一退款单号重新发送；系统会先向微信查询，不会重复退款。"];
}

export function questionFor(act: Act, row: ReviewRow): Question {
  const lines = [about(row)];
  switch (act) {
    case "approve":
      return row.verdict === "not_eligible"
        ? {
            title: "通过不符合条件的退款",
            lines: [...lines, "系统判定不符合退款条件，通过时必须写明原因。"],
            label: "通过原因",
            required: true,
            yes: `通过并退款 ${price(row.amountFen)}`,
          }
        : {
            title: "通过退款",
            lines,
            label: "备注（可不填）",
            required: false,
            yes: `通过并退款 ${price(row.amountFen)}`,
          };
    case "reject":
      return {
        title: "拒绝退款",
        lines,
        label: "拒绝原因（会员会看到）",
        required: true,
        yes: "拒绝",
        danger: true,
        presets: REJECT_REASONS,
        proposal: (row.days ?? 0) < (row.required ?? 0) ? (REJECT_REASONS[0] ?? "") : "",
      };
    case "settleOffline":
      return {
        title: "标记已处理",
        lines: [...lines, "系统会先向微信核实没有退款成功。标记后视为已退款，会员会收到通知，不能撤回。"],
        label: "处理说明",
        required: true,
        yes: "标记已处理",
        placeholder: "例如：已银行转账，流水号……",
      };
    default:
      return { title: "重新审核", lines, label: "重新审核的原因", required: true, yes: "退回待审核" };
  }
}
