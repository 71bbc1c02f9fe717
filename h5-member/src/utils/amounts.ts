/**
 * What comes back now, and what more days change, while a camp runs. The service has worked out every figure here;
 * what is said of now only grows, and what may still be lost is never said without the days that it takes.
 */
import type { Schemas } from "@/api/client";
import type { Outlook } from "@/utils/labels";
import { uncountedDays } from "@/utils/progress";
import { price } from "@shared/money";

type Progress = Schemas["ProgressOut"];

/** Before anything is counted: what the first days bring. */
export function offerOutlook(progress: Progress, note: string): Outlook {
  const { next_days, next_fen, rule } = progress;
  if (next_days === null || next_fen === null) return { tone: "blue", text: rule.short, note };
  const days = isEveryDay(progress) ? `${next_days} 天每天打卡` : `打卡满 ${next_days} 天`;
  return { tone: "blue", text: gain(progress, days, next_fen), note: withRule(progress, note) };
}

/** Of a member whose whole deposit isn't certain; `doubt` is why a person has to look at it. */
export function amountOutlook(progress: Progress, doubt: string | null): Outlook {
  const { now_fen, next_days, next_fen, most_fen, days_left } = progress;
  if (now_fen === null || most_fen === null) {
    return { tone: "orange", text: "退款规则待工作人员核对，暂时算不出可退金额", note: null };
  }
  if (most_fen === 0) {
    return doubt === null
      ? { tone: "red", text: "剩余天数已不够，押金不能退还", note: "如有疑问，请联系工作人员。" }
      : { tone: "orange", text: "按目前的记录，剩余天数已不够", note: doubt };
  }
  const tone = doubt !== null || progress.standing === "out_of_reach" ? "orange" : "blue";
  const now = now_fen > 0 ? `现在停下可退 ${price(now_fen)}` : null;
  if (next_days === null || next_fen === null) {
    return now_fen < most_fen
      ? { tone: "orange", text: `最多可退 ${price(most_fen)}，待工作人员核对打卡`, note: doubt }
      : { tone, text: `可退 ${price(now_fen)}，之后打卡不再增加`, note: doubt };
  }
  if (next_days > days_left) {
    const wait = `最近 ${uncountedDays(progress)} 天的打卡待同步`;
    return { tone: "orange", text: joined(now, wait), note: doubt ?? "同步完成后才有结论。" };
  }
  const days = isEveryDay(progress) ? `剩余 ${next_days} 天每天打卡` : `再打卡 ${next_days} 天`;
  const lost =
    progress.standing === "out_of_reach" ? `押金 ${price(progress.deposit_fen)} 已不能全退。` : null;
  return { tone, text: joined(now, gain(progress, days, next_fen)), note: withRule(progress, doubt ?? lost) };
}

/** "再打卡 3 天，即可退还押金 ¥99", or with more to come "再打卡 2 天可退 ¥60；最多可退 ¥100". */
function gain({ now_fen, most_fen, deposit_fen }: Progress, days: string, fen: number): string {
  const isAll = fen === deposit_fen && (now_fen ?? 0) === 0;
  if (isAll) return `${days}，即可退还押金 ${price(fen)}`;
  const more = most_fen !== null && most_fen > fen ? `最多可退 ${price(most_fen)}` : null;
  return joined(`${days}可退 ${price(fen)}`, more);
}

/**
 * Where dates matter the service names all open days, though fewer may do: which ones is in the words of the deal.
 */
function isEveryDay({ next_days, days_left }: Progress): boolean {
  return next_days === days_left && days_left > 1;
}

function withRule(progress: Progress, note: string | null): string | null {
  return isEveryDay(progress) ? `规则：${progress.rule.short}。${note ?? ""}` : note;
}

function joined(...parts: (string | null)[]): string {
  return parts.filter((part) => part !== null).join("；");
}
