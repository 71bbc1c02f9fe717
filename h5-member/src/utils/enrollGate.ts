/** Whether a person may fill in the form of a camp, and what to say if not. */
import type { Schemas } from "@/api/client";
import { fullDateTime } from "@shared/time";

export type EnrollGate = "open" | "enrolled" | "full" | "closed" | "not_open";

interface Mine {
  place: object | null;
  order: Pick<Schemas["MyOrderOut"], "seconds_left"> | null;
}

/** An open order keeps its seat, whatever became of the camp's window since. */
export function enrollGate(camp: Pick<Schemas["CampOut"], "enroll_state">, mine: Mine): EnrollGate {
  if (mine.place !== null) return "enrolled";
  if (mine.order !== null && mine.order.seconds_left > 0) return "open";
  return camp.enroll_state;
}

/** The gate that a refused order tells of; null for what can be mended in the form. */
export function gateOfRefusal(code: string): EnrollGate | null {
  if (code === "already_enrolled") return "enrolled";
  if (code === "camp_full") return "full";
  if (code === "enroll_closed") return "closed";
  return code === "enroll_not_open" ? "not_open" : null;
}

export function gateWords(
  gate: Exclude<EnrollGate, "open">,
  opensAt: string | null,
): { title: string; text: string } {
  switch (gate) {
    case "enrolled":
      return { title: "您已报名该训练营", text: "无需重复支付，可以直接进群或查看打卡进度。" };
    case "full":
      return { title: "训练营名额已满", text: "如果有人未在时限内付款，名额会重新放出，可以稍后再来看看。" };
    case "closed":
      return { title: "报名已结束", text: "这期训练营不再接受报名，看看其他训练营吧。" };
    case "not_open":
      return {
        title: "报名尚未开始",
        text: opensAt === null ? "请留意开放时间。" : `报名将于 ${fullDateTime(opensAt)} 开始。`,
      };
  }
}
