/** Will I get my deposit back? One sentence about a member's progress, and what to know about it. */
import type { Schemas } from "@/api/client";
import type { Tone } from "@/utils/labels";
import { price } from "@shared/money";
import { gapOf, PHASE, type Phase } from "@/utils/progress";
import { dateTime, monthDay } from "@shared/time";

type Progress = Schemas["ProgressOut"];

export interface Outlook {
  tone: Tone;
  text: string;
  note: string | null;
}

const ASK_STAFF = "如有疑问，请联系工作人员。";

export function outlook(progress: Progress): Outlook {
  if (progress.refund !== null) return ofRefund(progress.refund, progress.refund_promise);
  const phase = PHASE[progress.camp.status];
  if (phase === "cancelled") return say("blue", "训练营已取消，押金由工作人员安排退还");
  if (progress.match_status === "closed") {
    return say("red", "没有找到您的星球账号，押金暂时不能退还", ASK_STAFF);
  }
  if (phase === "before") return beforeCamp(progress);
  if (progress.match_status !== "matched") return ofUnmatched(progress, phase);
  if (progress.last_complete_sync_at === null && phase !== "archived") return ofUncounted(progress);
  if (phase === "running") return duringCamp(progress);
  return phase === "over" ? afterCamp(progress) : inArchive(progress);
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

function say(tone: Tone, text: string, note: string | null = null): Outlook {
  return { tone, text, note };
}

function ofRefund(refund: Schemas["MyRefundOut"], promise: string): Outlook {
  const money = `押金 ${price(refund.amount_fen)}`;
  const takesLonger = say("orange", `${money} 退款处理中`, "需要人工处理，到账会晚一些，请耐心等待。");
  const at = refund.succeeded_at === null ? "" : `${dateTime(refund.succeeded_at)} `;
  const way = refund.settled_offline ? "由工作人员线下退还" : "退回原支付账户";
  const said: Record<Schemas["RefundStatus"], Outlook> = {
    pending_review: say("blue", `${money} 正等待审核，通过后退还`, promise),
    approved: say("blue", `审核已通过，${money} 即将退还`, promise),
    sending: say("blue", `${money} 正在退回您的支付账户`, promise),
    processing: say("blue", `${money} 正在退回您的支付账户`, promise),
    succeeded: say("green", `${money} 已退还`, `${at}${way}。`),
    failed: takesLonger,
    closed: takesLonger,
    rejected: say("red", "退款审核未通过，押金不退还", `${refund.reject_reason ?? ""}`.trim() || ASK_STAFF),
  };
  return said[refund.status];
}

function offer(progress: Progress): string {
  return `打卡满 ${progress.required_days} 天，即可退还押金 ${price(progress.paid_fen)}`;
}

function beforeCamp(progress: Progress): Outlook {
  const opens = `${monthDay(progress.camp.starts_on)}开营。`;
  return progress.match_status === "matched"
    ? say("blue", offer(progress), opens)
    : say("blue", offer(progress), `${opens}星球身份还在确认，开营后会自动再次匹配。`);
}

function ofUnmatched(progress: Progress, phase: Phase): Outlook {
  if (phase === "archived") return say("grey", "训练营已结束，未能确认星球身份，没有退款", ASK_STAFF);
  const next =
    progress.correct_until === null
      ? "工作人员会核对您的身份。"
      : "请核对星球昵称和编号，填对后会立即重新匹配。";
  return phase === "over"
    ? say("orange", "确认星球身份后，才能审核退还押金", next)
    : say("orange", "确认星球身份后，才能计算打卡、退还押金", next);
}

function ofUncounted(progress: Progress): Outlook {
  return say("blue", offer(progress), "打卡数据待同步，完成后显示进度。");
}

function duringCamp(progress: Progress): Outlook {
  const { missing, reachable, uncounted } = gapOf(progress);
  const money = `押金 ${price(progress.paid_fen)}`;
  if (progress.verdict === "eligible")
    return say("green", `已达标，${money} 可退还`, progress.refund_promise);
  if (missing === 0) return say("orange", `打卡天数已够，工作人员确认后退还${money}`, doubt(progress));
  if (reachable === "yes") return say("blue", `再打卡 ${missing} 天，即可退还${money}`, doubt(progress));
  if (reachable === "maybe") {
    return say("orange", `还差 ${missing} 天，最近 ${uncounted} 天的打卡待同步`, "同步完成后才有结论。");
  }
  return progress.verdict === "not_eligible"
    ? say("red", `还差 ${missing} 天，剩余天数已不够，押金不能退还`, ASK_STAFF)
    : say("orange", `还差 ${missing} 天，剩余天数已不够`, doubt(progress));
}

/** Why a person has to look at it, if one must. */
function doubt(progress: Progress): string | null {
  if (progress.confidence < 100) return "星球身份待工作人员确认，以确认后的打卡为准。";
  return progress.verdict === "needs_confirmation" ? "打卡记录待工作人员核对。" : null;
}

function afterCamp(progress: Progress): Outlook {
  const { missing, reachable } = gapOf(progress);
  const money = `押金 ${price(progress.paid_fen)}`;
  if (progress.verdict === "eligible")
    return say("green", `已达标，${money} 等待审核退还`, progress.refund_promise);
  if (missing > 0 && reachable === "maybe") {
    return say(
      "orange",
      "营期已结束，打卡数据待最后一次同步",
      `目前记录 ${tally(progress)}，同步后才有结论。`,
    );
  }
  if (progress.verdict === "needs_confirmation") {
    const text =
      missing === 0 ? `打卡天数已够，工作人员确认后退还${money}` : "打卡记录由工作人员核对后决定是否退还";
    return say("orange", text, doubt(progress));
  }
  return say("red", `打卡 ${tally(progress)}，未达标，押金不退还`, ASK_STAFF);
}

function inArchive(progress: Progress): Outlook {
  return progress.verdict === "not_eligible"
    ? say("red", `打卡 ${tally(progress)}，未达标，押金不退还`, ASK_STAFF)
    : say("grey", "训练营已归档，没有退款记录", ASK_STAFF);
}

function tally(progress: Progress): string {
  return `${progress.days}/${progress.required_days} 天`;
}
