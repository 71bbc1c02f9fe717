/** States → words and colours. `Record` over the generated unions: a new state doesn't compile without a label. */
import type { Schemas } from "@/api/client";

export type Tone = "green" | "blue" | "orange" | "red" | "grey";

export interface Label {
  text: string;
  tone: Tone;
}

/** A sentence about what is to come, and what to know about it. */
export interface Outlook extends Label {
  note: string | null;
}

export const CAMP_STATUS: Record<Schemas["CampStatus"], Label> = {
  draft: { text: "未发布", tone: "grey" },
  enrolling: { text: "报名中", tone: "blue" },
  ongoing: { text: "进行中", tone: "green" },
  ended: { text: "已结束", tone: "grey" },
  settling: { text: "结算中", tone: "orange" },
  archived: { text: "已结束", tone: "grey" },
  cancelled: { text: "已取消", tone: "grey" },
};

export const ENROLL_STATE: Record<Schemas["EnrollState"], Label> = {
  open: { text: "报名中", tone: "blue" },
  not_open: { text: "即将开始报名", tone: "orange" },
  full: { text: "已满员", tone: "grey" },
  closed: { text: "报名已结束", tone: "grey" },
};

export const MATCH_STATUS: Record<Schemas["MatchStatus"], Label> = {
  unmatched: { text: "待匹配", tone: "orange" },
  suggested: { text: "待确认", tone: "orange" },
  matched: { text: "已匹配", tone: "green" },
  conflict: { text: "待人工确认", tone: "orange" },
  closed: { text: "无法匹配", tone: "red" },
};

/** While the camp runs, about the whole deposit. */
export const STANDING: Record<Schemas["Standing"], Label> = {
  not_started: { text: "未开始", tone: "grey" },
  in_progress: { text: "进行中", tone: "blue" },
  reached: { text: "已达标", tone: "green" },
  out_of_reach: { text: "已无法达标", tone: "orange" },
};

/** Once the camp's end was seen. */
export const VERDICT: Record<Schemas["Verdict"], Label> = {
  eligible: { text: "已达标", tone: "green" },
  partial: { text: "部分退还", tone: "blue" },
  needs_confirmation: { text: "待确认", tone: "orange" },
  not_eligible: { text: "未达标", tone: "red" },
};

export const REFUND_STATUS: Record<Schemas["RefundStatus"], Label> = {
  pending_review: { text: "待审核", tone: "orange" },
  approved: { text: "已通过", tone: "blue" },
  sending: { text: "退款中", tone: "blue" },
  processing: { text: "退款中", tone: "blue" },
  succeeded: { text: "已退款", tone: "green" },
  failed: { text: "处理中", tone: "orange" },
  rejected: { text: "未通过", tone: "red" },
  closed: { text: "处理中", tone: "orange" },
};

export const REFUND_KIND: Record<Schemas["RefundKind"], string> = {
  camp: "押金退款",
  duplicate: "支付退回",
  exception: "押金退款",
};

export const PAYMENT_STATUS: Record<Schemas["PaymentStatus"], Label> = {
  pending: { text: "待支付", tone: "orange" },
  paid: { text: "已支付", tone: "green" },
  closed: { text: "已关闭", tone: "grey" },
};

export const DAY_STATE: Record<Schemas["DayState"], string> = {
  checked: "已打卡",
  missed: "未打卡",
  leave: "请假",
  makeup: "补卡",
  appeal: "申诉认定",
  amnesty: "豁免",
  coach: "认定",
  rest: "休息日",
  today: "今天",
  future: "未到",
};
