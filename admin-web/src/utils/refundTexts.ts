/** What staff read about refunds and differences whose codes the service leaves open. */

/** Why sending is paused for everybody, and what ends it. */
export function holdText(cause: string): { title: string; cure: string } {
  if (cause === "provider_balance")
    return {
      title: "商户账户余额不足，退款已暂停发送",
      cure: "请先为商户账户充值，然后恢复发送；已通过的退款会自动继续。",
    };
  return {
    title: "微信支付配置有误，退款已暂停发送",
    cure: "请先改正微信支付配置（商户号、证书、密钥），然后恢复发送；已通过的退款会自动继续。",
  };
}

const OFFLINE = "无法原路退回：请与会员联系线下退款，再标记已处理。";
const NEXT: Record<string, string> = {
  provider_balance: "充值后恢复发送，再重试。",
  provider_configuration: "改正微信支付配置后恢复发送，再重试。",
  provider_abnormal: OFFLINE,
  USER_ACCOUNT_ABNORMAL: OFFLINE,
  RESOURCE_NOT_EXISTS: OFFLINE,
  TRADE_OVERDUE: OFFLINE,
  NO_AUTH: "请先在微信商户平台开通退款权限，再重试。",
  provider_closed: "重试会换用新的退款单号，并需要再次审核。",
};

/** What a person does next about a failed refund. */
export function nextStep(code: string): string {
  return NEXT[code] ?? "可以重试：系统会先向微信查询，不会重复退款；多次失败请线下退款后标记已处理。";
}

export const REJECT_REASONS = ["打卡未达标", "匹配信息有误", "存在刷卡", "已退出"];

const EVENTS: Record<string, string> = {
  approve: "审核通过",
  reject: "审核拒绝",
  undo: "撤销通过",
  reopen: "重新审核",
  send: "开始发送",
  retry: "重试",
  settle_offline: "标记已处理",
  answer: "微信应答",
  callback: "微信通知",
  query: "向微信查询",
  bill: "账单核对",
};

/** A step in a refund's history in words; an unknown one as it is. */
export function eventText(event: string): string {
  return EVENTS[event] ?? event;
}

export const CASE_KINDS: Record<string, string> = {
  bill_only_payment: "账单多出付款",
  local_only_payment: "账单缺少付款",
  payment_amount: "付款金额不一致",
  payment_unknown_order: "付款找不到订单",
  payment_misfit: "付款与订单不符",
  payment_transaction_clash: "一单多次付款",
  bill_only_refund: "账单多出退款",
  local_only_refund: "账单缺少退款",
  refund_amount: "退款金额不一致",
  unknown_refund: "我方没有的退款",
  refund_mismatch: "退款与我方不符",
  refund_not_sent: "未发出却有退款",
  refund_closed: "退款被微信关闭",
  refund_paid_twice: "可能重复退款",
  refund_contradiction: "退款结果矛盾",
  fund_flow_sum: "资金账单不符",
};

export function caseKindText(kind: string): string {
  return CASE_KINDS[kind] ?? kind;
}
