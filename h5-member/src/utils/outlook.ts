/** Will I get my deposit back? One sentence about a member's progress, and what to know about it. */
import type { Schemas } from "@/api/client";
import { amountOutlook, offerOutlook } from "@/utils/amounts";
import type { Outlook, Tone } from "@/utils/labels";
import { lacksDates, PHASE } from "@/utils/progress";
import { dueOf, NO_REFUND, situationOf, type Situation } from "@/utils/situation";
import { price } from "@shared/money";
import { dateTime, monthDay } from "@shared/time";

type Progress = Schemas["ProgressOut"];

const ASK_STAFF = "如有疑问，请联系工作人员。";
const BY_STAFF = "打卡记录待工作人员核对。";

export function outlook(progress: Progress): Outlook {
  return progress.refund === null
    ? SAID[situationOf(progress)](progress)
    : ofRefund(progress, progress.refund);
}

/** When refunds are made, while one may still come; null where it would be a promise that nobody keeps. */
export function promiseOf(progress: Progress): string | null {
  if (progress.refund !== null) return null;
  const said: Record<Situation, boolean> = {
    cancelled: false,
    before: true,
    unmatched: false,
    not_found: false,
    running: progress.most_fen !== 0,
    awaiting: progress.most_fen !== 0,
    eligible: true,
    partial: true,
    needs_confirmation: false,
    not_eligible: false,
    nobody: false,
    archived: false,
  };
  return said[situationOf(progress)] ? progress.refund_promise : null;
}

/** Has the member been found on the planet? */
export function matchOutlook(
  found: Pick<Progress, "match_status" | "confidence" | "planet_user_name">,
): Outlook {
  const name = found.planet_user_name ?? "";
  const said: Record<Schemas["MatchStatus"], Outlook> = {
    matched:
      found.confidence === 100
        ? say("green", `已找到您的星球账号：${name}`)
        : say("orange", `找到昵称相同的账号：${name}`, "待工作人员确认。填对星球编号可以直接确认。"),
    suggested: say("orange", `可能是您的账号：${name}`, "待工作人员确认。填对星球编号可以直接确认。"),
    conflict: say("orange", "有多个相符的星球账号，待工作人员确认", "填对星球编号可以直接确认。"),
    unmatched: say("orange", "暂时没有找到您的星球账号", "每次同步打卡后会自动再次匹配。"),
    closed: say("red", "没有找到您的星球账号", ASK_STAFF),
  };
  return said[found.match_status];
}

const SAID: Record<Situation, (progress: Progress) => Outlook> = {
  cancelled: () => say("blue", "训练营已取消，押金由工作人员安排退还"),
  before: beforeCamp,
  unmatched: ofUnmatched,
  not_found: () => say("red", "没有找到您的星球账号，押金暂时不能退还", ASK_STAFF),
  running: duringCamp,
  awaiting: (progress) =>
    say("orange", "营期已结束，打卡数据待最后一次同步", `目前记录 ${progress.days} 天，同步后才有结论。`),
  eligible: (progress) =>
    say("green", `已达标，押金 ${price(progress.entitled_fen)} 等待审核退还`, progress.refund_promise),
  partial: (progress) => partly(progress, progress.entitled_fen),
  needs_confirmation: (progress) =>
    say("orange", "打卡记录由工作人员核对后决定是否退还", doubt(progress) ?? BY_STAFF),
  not_eligible: (progress) => say("red", NO_REFUND.not_eligible, because(progress) + ASK_STAFF),
  nobody: () => say("grey", NO_REFUND.nobody, ASK_STAFF),
  archived: () => say("grey", NO_REFUND.archived, ASK_STAFF),
};

function say(tone: Tone, text: string, note: string | null = null): Outlook {
  return { tone, text, note };
}

/** How the amount comes about, as a sentence. */
function because({ amount_line }: Pick<Progress, "amount_line">): string {
  return amount_line === "" ? "" : `${amount_line}。`;
}

function partly(progress: Progress, fen: number): Outlook {
  return say("blue", `部分退还 ${price(fen)}，等待审核`, because(progress) + progress.refund_promise);
}

function ofRefund(progress: Progress, refund: Schemas["MyRefundOut"]): Outlook {
  const promise = progress.refund_promise;
  const due = dueOf(refund, progress.verdict);
  const money = `${due === "part" ? "部分押金" : "押金"} ${price(refund.amount_fen)}`;
  const takesLonger = say("orange", `${money} 退款处理中`, "需要人工处理，到账会晚一些，请耐心等待。");
  const at = refund.succeeded_at === null ? "" : `${dateTime(refund.succeeded_at)} `;
  const way = refund.settled_offline ? "由工作人员线下退还" : "退回原支付账户";
  const reason = (refund.reject_reason ?? "").trim();
  const inReview: Record<typeof due, Outlook> = {
    whole: say("blue", `${money} 正等待审核，通过后退还`, promise),
    part: partly(progress, refund.amount_fen),
    nothing: say("orange", "退款正等待审核，按最新打卡记录没有可退金额", because(progress) + ASK_STAFF),
    open: say("orange", "退款正等待审核，金额由工作人员核对后确定", doubt(progress) ?? BY_STAFF),
  };
  const said: Record<Schemas["RefundStatus"], Outlook> = {
    pending_review: inReview[due],
    approved: say("blue", `审核已通过，${money} 即将退还`, promise),
    sending: say("blue", `${money} 正在退回您的支付账户`, promise),
    processing: say("blue", `${money} 正在退回您的支付账户`, promise),
    succeeded: say("green", `${money} 已退还`, `${at}${way}。`),
    failed: takesLonger,
    closed: takesLonger,
    rejected: say(
      "red",
      NO_REFUND.rejected,
      (reason === "" ? "" : `理由：${reason.replace(/。$/, "")}。`) + ASK_STAFF,
    ),
  };
  return said[refund.status];
}

function beforeCamp(progress: Progress): Outlook {
  const opens = `${monthDay(progress.camp.starts_on)}开营。`;
  const isMatched = progress.match_status === "matched";
  return offerOutlook(progress, isMatched ? opens : `${opens}星球身份还在确认，开营后会自动再次匹配。`);
}

function ofUnmatched(progress: Progress): Outlook {
  const next =
    progress.correct_until === null
      ? "工作人员会核对您的身份。"
      : "请核对星球昵称和编号，填对后会立即重新匹配。";
  return PHASE[progress.camp.status] === "over"
    ? say("orange", "确认星球身份后，才能审核退还押金", next)
    : say("orange", "确认星球身份后，才能计算打卡、退还押金", next);
}

function duringCamp(progress: Progress): Outlook {
  if (progress.last_complete_sync_at === null) {
    return progress.days === 0
      ? offerOutlook(progress, "打卡数据待同步，完成后显示进度。")
      : amountOutlook(progress, "打卡数据待同步，以同步后的为准。");
  }
  const why = doubt(progress);
  if (progress.standing !== "reached") return amountOutlook(progress, why);
  const money = `押金 ${price(progress.deposit_fen)}`;
  return why === null
    ? say("green", `已达标，${money} 可退还`, progress.refund_promise)
    : say("orange", `打卡天数已够，工作人员确认后退还${money}`, why);
}

/** Why a person has to look at it, as far as the page can tell. */
function doubt(progress: Progress): string | null {
  if (progress.match_status === "matched" && progress.confidence < 100) {
    return "星球身份待工作人员确认，以确认后的打卡为准。";
  }
  return lacksDates(progress) ? "打卡日期还没有读全，以工作人员核对后的为准。" : null;
}
