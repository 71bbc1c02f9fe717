/** States → words and colours. `Record` over the generated unions: a new state doesn't compile without a label. */
import type { Schemas } from "@/api/client";

export interface Label {
  text: string;
  type: "primary" | "success" | "warning" | "danger" | "info";
}

export interface Choice {
  value: string;
  label: string;
}

/** All of a map's words to choose from. */
export const choicesOf = (labels: Record<string, string | Label>): Choice[] =>
  Object.entries(labels).map(([value, label]) => ({
    value,
    label: typeof label === "string" ? label : label.text,
  }));

export const STAFF_ROLE: Record<Schemas["StaffRole"], string> = {
  super_admin: "超级管理员",
  manager: "管理员",
  coach: "教练",
  volunteer: "志愿者",
};

export const CAMP_STATUS: Record<Schemas["CampStatus"], Label> = {
  draft: { text: "草稿", type: "info" },
  enrolling: { text: "报名中", type: "primary" },
  ongoing: { text: "进行中", type: "success" },
  ended: { text: "已结束", type: "warning" },
  settling: { text: "结算中", type: "warning" },
  archived: { text: "已归档", type: "info" },
  cancelled: { text: "已取消", type: "info" },
};

export const PAYMENT_STATUS: Record<Schemas["PaymentStatus"], Label> = {
  pending: { text: "待支付", type: "warning" },
  paid: { text: "已支付", type: "success" },
  closed: { text: "已关闭", type: "info" },
};

export const PAYMENT_CHANNEL: Record<Schemas["Channel"], string> = {
  jsapi: "微信内支付",
  h5: "手机浏览器支付",
  native: "扫码支付",
};

/** Why a paid order gave no place. */
export const EXCESS: Record<Schemas["Excess"], string> = {
  already_enrolled: "重复支付",
  camp_full: "支付时已满员",
  camp_started: "支付时已开营",
  camp_over: "支付时已结束",
};

export const MATCH_STATUS: Record<Schemas["MatchStatus"], Label> = {
  unmatched: { text: "待匹配", type: "warning" },
  suggested: { text: "有建议", type: "warning" },
  matched: { text: "已匹配", type: "success" },
  conflict: { text: "冲突", type: "danger" },
  closed: { text: "无法匹配", type: "info" },
};

export const MATCH_METHOD: Record<Schemas["MatchMethod"], string> = {
  planet_number: "星球编号",
  planet_nickname: "星球昵称",
  wechat_nickname: "微信昵称",
  manual: "人工",
};

/** How a member stands with the whole deposit, at any time. */
export const STANDING: Record<Schemas["Standing"], Label> = {
  not_started: { text: "未开始", type: "info" },
  in_progress: { text: "进行中", type: "primary" },
  reached: { text: "已达标", type: "success" },
  out_of_reach: { text: "已无法达标", type: "warning" },
};

/** What comes of the deposit; there is none before the camp's end was seen. */
export const VERDICT: Record<Schemas["Verdict"], Label> = {
  eligible: { text: "符合", type: "success" },
  partial: { text: "部分退还", type: "primary" },
  needs_confirmation: { text: "需人工确认", type: "warning" },
  not_eligible: { text: "不符合", type: "danger" },
};

export const REFUND_KIND: Record<Schemas["RefundKind"], string> = {
  camp: "押金退还",
  duplicate: "重复支付",
  exception: "特殊退款",
};

export const REFUND_STATUS: Record<Schemas["RefundStatus"], Label> = {
  pending_review: { text: "待审核", type: "warning" },
  approved: { text: "已通过", type: "primary" },
  sending: { text: "发送中", type: "primary" },
  processing: { text: "退款中", type: "primary" },
  succeeded: { text: "已退款", type: "success" },
  failed: { text: "退款失败", type: "danger" },
  rejected: { text: "已拒绝", type: "info" },
  closed: { text: "已关闭", type: "danger" },
};

export const CONFIDENCES: Choice[] = ["100", "66", "33", "0"].map((value) => ({ value, label: value }));

/** Of a member and the camp's group, as a filter says it. */
export const JOINED = { true: "已进群", false: "未进群" };

export const SYNC_STATUS: Record<Schemas["SyncStatus"], Label> = {
  running: { text: "同步中", type: "primary" },
  complete: { text: "完整", type: "success" },
  partial: { text: "不完整", type: "warning" },
  failed: { text: "失败", type: "danger" },
};

export const SYNC_TRIGGER: Record<Schemas["SyncTrigger"], string> = {
  scheduler: "自动",
  manual: "手动",
};

/** A day of a member: in words, and where its colour alone wouldn't say it, as a sign. */
export const DAY_STATE: Record<Schemas["DayState"], { text: string; sign: string }> = {
  checked: { text: "已打卡", sign: "✓" },
  missed: { text: "未打卡", sign: "✕" },
  makeup: { text: "补卡", sign: "补" },
  appeal: { text: "申诉认定", sign: "诉" },
  coach: { text: "教练认定", sign: "认" },
  leave: { text: "请假", sign: "假" },
  amnesty: { text: "豁免", sign: "免" },
  rest: { text: "不计打卡", sign: "休" },
  today: { text: "今天", sign: "" },
  future: { text: "未到或未统计", sign: "" },
};

/** Why a day is granted. */
export const GRANT_KIND: Record<Schemas["GrantKind"], Label> = {
  coach: { text: "教练认定", type: "success" },
  makeup: { text: "补卡", type: "success" },
  appeal: { text: "申诉认定", type: "success" },
  leave: { text: "请假", type: "info" },
  amnesty: { text: "豁免", type: "info" },
};

export const CHECKIN_SOURCE: Record<Schemas["CheckinSource"], Label> = {
  posts: { text: "打卡帖子", type: "success" },
  import: { text: "手工导入", type: "warning" },
};

export const IMPORT_KIND: Record<Schemas["ImportKind"], string> = {
  checkin_days: "打卡日期",
  checkin_totals: "累计天数",
  planet_members: "星球成员",
};

export const CREDENTIAL_STATUS: Record<Schemas["CredentialStatus"], Label> = {
  untested: { text: "未测试", type: "info" },
  valid: { text: "正常", type: "success" },
  credential_invalid: { text: "已失效", type: "danger" },
};

export const NOTICE_CHANNEL: Record<Schemas["NoticeChannel"], string> = {
  wecom_app: "企业微信应用",
  wecom_robot: "群机器人",
  mp_template: "公众号模板",
  inbox: "站内消息",
};

export const NOTICE_STATUS: Record<Schemas["NoticeStatus"], Label> = {
  pending: { text: "待发送", type: "primary" },
  sent: { text: "已发送", type: "success" },
  failed: { text: "失败", type: "danger" },
  skipped: { text: "已跳过", type: "info" },
};

export const NOTICE_AUDIENCE: Record<Schemas["NoticeAudience"], string> = {
  staff: "工作人员",
  member: "会员",
  group: "训练营群",
};
