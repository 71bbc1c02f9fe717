import { computed, ref, shallowRef } from "vue";

import { price } from "@shared/money";

import type { Schemas } from "@/api/client";
import { useRefundActs, isStale, type Act } from "@/composables/useRefundActs";
import { confirmed, tell, tellRefusal } from "@/utils/dialogs";
import { REFUND_STATUS } from "@/utils/labels";
import { REJECT_REASONS } from "@/utils/refundTexts";
import { GROUPS, groupOf, seenOf, type ReviewRow } from "@/utils/reviewRows";
import { newsIn } from "@/utils/staleRows";

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
  /** What became of a row while somebody was about to decide; it stands there until they have. */
  const news = shallowRef<{ refundId: string; text: string } | null>(null);
  /** Words typed for a decision that was refused. */
  const typed = new Map<string, string>();
  const acts = useRefundActs((refund, act) => {
    asking.value = null;
    if (news.value?.refundId === refund.id) news.value = null;
    typed.delete(`${act} ${refund.id}`);
    tell(act === "refresh" ? `最新状态：${REFUND_STATUS[refund.status].text}` : DONE[act]);
    changed(refund, act);
  }, stale);

  async function send(act: Act, row: ReviewRow, text: string): Promise<void> {
    const { refundId } = row;
    if (refundId === null || (await acts.run(act, refundId, text, seenOf(row))) || !acts.error.value) return;
    const refusal = acts.error.value;
    // Never the same question with other figures under the same key: the row is shown anew and decided anew.
    if (isStale(refusal)) {
      asking.value = null;
      typed.set(`${act} ${refundId}`, text);
      const said = newsIn(refusal, row);
      news.value = said === "" ? null : { refundId, text: said };
    }
    // What is wrong stands in the open dialog; without one it is told.
    if (!asking.value) tellRefusal(refusal);
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
    question: computed(() => {
      if (!asking.value) return null;
      const { act, row } = asking.value;
      const question = questionFor(act, row);
      const before = typed.get(`${act} ${row.refundId ?? ""}`);
      return before ? { ...question, proposal: before } : question;
    }),
    news,
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
      return {
        title: "通过退款",
        lines: row.amountLine === "" ? lines : [...lines, `应退金额：${row.amountLine}`],
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
        proposal: row.verdict === "not_eligible" ? (REJECT_REASONS[0] ?? "") : "",
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
