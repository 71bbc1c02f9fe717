/** What the page of an order shows: decided by the service's state first, and then by what the person did. */
import type { Schemas } from "@/api/client";
import type { PayStep } from "@/composables/usePaySteps";

export type PayView =
  | "paid"
  | "excess"
  | "closed"
  | "overdue"
  | "elsewhere"
  | "confirming"
  | "unclear"
  | Exclude<PayStep, "told">;

export interface PaySituation {
  step: PayStep;
  /** Until the order's end, by the service's clock. */
  secondsLeft: number;
  /** The result was waited for in vain. */
  waitedLong: boolean;
  /** How this browser pays. */
  channel: Schemas["Channel"];
}

export function payView(
  order: Pick<Schemas["PaymentOut"], "status" | "excess" | "channel">,
  { step, secondsLeft, waitedLong, channel }: PaySituation,
): PayView {
  if (order.status === "paid") return order.excess === null ? "paid" : "excess";
  if (order.status === "closed") return "closed";
  if (step === "told") return waitedLong ? "unclear" : "confirming";
  if (secondsLeft <= 0) return "overdue";
  // The order can only be paid in the kind of browser that it was made in.
  return order.channel === channel ? step : "elsewhere";
}

export type PayIcon = "done" | "wait" | "ask" | "stop";

export interface PayWords {
  icon: PayIcon;
  title: string;
  text: string;
}

export const PAY_WORDS: Record<Exclude<PayView, "excess">, PayWords> = {
  paid: { icon: "done", title: "支付成功", text: "正在打开群二维码…" },
  closed: {
    icon: "stop",
    title: "订单已关闭",
    text: "超过支付时间仍未付款，订单已自动关闭。您填写的信息还在，可以重新报名。",
  },
  overdue: {
    icon: "wait",
    title: "支付时间已到",
    text: "正在向微信支付核实这笔订单，大约需要一分钟。如果您已经付款，会自动确认。",
  },
  elsewhere: {
    icon: "ask",
    title: "请换一种方式支付",
    text: "这笔订单是在另一种浏览器里创建的，无法在这里付款。可以在这里重新发起，原订单会自动关闭，不会重复扣款。",
  },
  confirming: { icon: "wait", title: "正在确认支付结果", text: "通常只要几秒钟，请稍候。" },
  unclear: {
    icon: "wait",
    title: "支付确认中",
    text: "暂时还没有收到微信支付的结果。如果您已经付款，请放心：同一笔订单不会重复扣款，确认后会出现在「我的」里，最迟约一小时。",
  },
  ready: { icon: "ask", title: "等待支付", text: "名额已为您保留，请在倒计时结束前完成支付。" },
  scan: {
    icon: "ask",
    title: "微信扫码支付",
    text: "请用手机微信「扫一扫」扫描二维码，付款后本页会自动更新。",
  },
  leaving: { icon: "wait", title: "正在打开微信支付", text: "付款后会自动回到本页。" },
  left: { icon: "ask", title: "支付完成了吗？", text: "请按实际情况选择，支付结果以微信支付为准。" },
  cancelled: { icon: "stop", title: "支付已取消", text: "名额仍为您保留，倒计时结束前可以继续支付。" },
  failed: { icon: "stop", title: "支付未完成", text: "没有收到付款成功的消息，可以重新支付。" },
};

export const EXCESS_WORDS: Record<Schemas["Excess"], { title: string; text: string }> = {
  already_enrolled: { title: "重复支付", text: "您之前已经报名成功，这一笔是重复支付，不影响您的名额。" },
  camp_full: { title: "名额已满", text: "付款到账时已超过支付时限，名额已经被报满，这次没有报上名。" },
  camp_started: { title: "训练营已开始", text: "付款到账时已超过支付时限，训练营已经开始，这次没有报上名。" },
  camp_over: { title: "训练营已结束", text: "付款到账时训练营已经结束，这次没有报上名。" },
};
