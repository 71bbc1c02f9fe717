/** The evidence of a reconciliation case in words: two figures side by side, and the rest as lines. */
import type { Schemas } from "@/api/client";
import { price } from "@shared/money";
import { fullDateTime } from "@shared/time";

export interface CaseFigures {
  theirs: { name: string; fen: number };
  ours: { name: string; fen: number };
}

type Detail = Schemas["CaseOut"]["detail"];

const isNumber = (value: unknown): value is number => typeof value === "number";

/** The two amounts that ought to be the same; null for a case about something else. */
export function figuresOf(detail: Detail): CaseFigures | null {
  const expected = detail.expected;
  const ours =
    typeof expected === "object" && expected !== null && "amount_fen" in expected
      ? expected.amount_fen
      : detail.our_fen;
  if (isNumber(detail.fund_flow_fen) && isNumber(detail.trade_bill_fen)) {
    return {
      theirs: { name: "资金账单", fen: detail.fund_flow_fen },
      ours: { name: "交易账单", fen: detail.trade_bill_fen },
    };
  }
  const theirs = detail.bill_fen ?? detail.amount_fen;
  return isNumber(theirs) && isNumber(ours)
    ? { theirs: { name: "微信", fen: theirs }, ours: { name: "我方", fen: ours } }
    : null;
}

const NAMES: Record<string, string> = {
  out_trade_no: "商户订单号",
  transaction_id: "微信订单号",
  our_transaction_id: "我方记录的微信订单号",
  out_refund_no: "商户退款单号",
  refund_id: "微信退款单号",
  trade_time: "账单时间",
  success_time: "支付时间",
  paid_at: "入账时间",
  sent_at: "发送时间",
  day: "账单日期",
  flow: "资金类型",
  status: "退款状态",
  refund_status: "账单退款状态",
  source: "来源",
  mch_id: "商户号",
  app_id: "应用 ID",
  currency: "币种",
  amount_fen: "金额",
  total_fen: "订单金额",
  bill_fen: "账单金额",
  our_fen: "我方金额",
  trade_bill_fen: "交易账单金额",
  fund_flow_fen: "资金账单金额",
};

/** Every piece of evidence with its name, in the service's order; what we expected is marked so. */
export function linesOf(detail: Detail): { name: string; value: string }[] {
  const lines: { name: string; value: string }[] = [];
  for (const [key, value] of Object.entries(detail)) {
    if (key === "expected" && typeof value === "object" && value !== null) {
      for (const line of linesOf(value as Detail)) lines.push({ ...line, name: `我方：${line.name}` });
    } else if (value !== null && value !== undefined) {
      lines.push({ name: NAMES[key] ?? key, value: textOf(key, value) });
    }
  }
  return lines;
}

function textOf(key: string, value: unknown): string {
  if (key.endsWith("_fen") && isNumber(value)) return price(value);
  if (typeof value === "string") return /^\d{4}-\d{2}-\d{2}T/.test(value) ? fullDateTime(value) : value;
  return JSON.stringify(value);
}
