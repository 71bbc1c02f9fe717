import { price } from "@shared/money";
import { dayRange } from "@shared/time";
import { useAction, type Action } from "@shared/useAction";

import { api, type Schemas } from "@/api/client";
import { confirmed, tell, tellRefusal, type Question } from "@/utils/dialogs";

type Camp = Schemas["CampOut"];
type Settlement = Schemas["SettlementSummaryOut"];
export type CampMove = "publish" | "withdraw" | "delete" | "settle" | "archive";

export interface CampMoves extends Action<[move: CampMove, camp: Camp]> {
  /** What was done, null after a refusal or a no. Every refusal is told already. */
  perform: (move: CampMove, camp: Camp) => Promise<CampMove | null>;
}

/** Moves of a camp that a person confirms: publishing, withdrawing, deleting, settling, archiving. */
export function useCampMoves(): CampMoves {
  let done: CampMove | null = null;
  const action = useAction(async (move: CampMove, camp: Camp) => {
    done = null;
    if (!(await confirmed(await questionFor(move, camp)))) return;
    tell(await carryOut(move, camp.id));
    done = move;
  });

  async function perform(move: CampMove, camp: Camp): Promise<CampMove | null> {
    if (action.busy.value) return null;
    await action.run(move, camp);
    if (action.error.value) tellRefusal(action.error.value);
    return action.error.value ? null : done;
  }

  return { ...action, perform };
}

async function questionFor(move: CampMove, camp: Camp): Promise<Question> {
  switch (move) {
    case "publish":
      return publishQuestion(camp);
    case "withdraw":
      return {
        title: `撤回「${camp.name}」`,
        lines: ["撤回后训练营回到草稿，报名链接暂时失效。已有人下单时不能撤回。"],
        yes: "撤回",
      };
    case "delete":
      return {
        title: `删除「${camp.name}」`,
        lines: ["草稿删除后不能恢复。"],
        yes: "删除",
        danger: true,
      };
    case "settle":
      return {
        title: `开始结算「${camp.name}」`,
        lines: [
          `按最近一次完整同步的打卡数据，为 ${camp.enrolled} 名会员生成退款名单。`,
          "生成名单不会退款：每一笔都要审核通过后才会退回。",
        ],
        yes: "生成名单",
      };
    case "archive": {
      const path = { camp_id: camp.id };
      return archiveQuestion(
        camp,
        (await api.get("/api/admin/camps/{camp_id}/settlement", { path })).summary,
      );
    }
  }
}

function publishQuestion(camp: Camp): Question {
  const days = `${dayRange(camp.starts_on, camp.ends_on)}，共 ${camp.total_days} 天`;
  return {
    title: `发布「${camp.name}」`,
    lines: [
      `押金 ${price(camp.deposit_fen)}，最多 ${camp.capacity} 人。`,
      `${days}。`,
      `退款规则：${camp.rule.short}。`,
      "发布后名称、押金、日期、退款规则和打卡项目不能再修改。",
    ],
    yes: "发布",
  };
}

export function archiveQuestion(camp: Camp, summary: Settlement): Question {
  return {
    title: `归档「${camp.name}」`,
    lines: [
      `${summary.members} 名会员，押金收入 ${price(summary.paid_fen)}，已退 ${price(summary.refunded_fen)}。`,
      `未退还的 ${price(summary.paid_fen - summary.refunded_fen)} 将转为收入。`,
      "归档后训练营只读，不能再生成退款名单。",
    ],
    yes: "归档",
    danger: true,
  };
}

/** Returns what to say afterwards. */
async function carryOut(move: CampMove, campId: string): Promise<string> {
  const sent = { path: { camp_id: campId } };
  switch (move) {
    case "publish":
      await api.post("/api/admin/camps/{camp_id}/publish", sent);
      return "已发布，会员可以报名了";
    case "withdraw":
      await api.post("/api/admin/camps/{camp_id}/withdraw", sent);
      return "已撤回为草稿";
    case "delete":
      await api.delete("/api/admin/camps/{camp_id}", sent);
      return "已删除";
    case "settle": {
      const list = await api.post("/api/admin/camps/{camp_id}/settle", sent);
      return (
        `名单已生成：符合 ${list.eligible} 人，部分退还 ${list.partial} 人，` +
        `需人工确认 ${list.needs_confirmation} 人，不符合 ${list.not_eligible} 人`
      );
    }
    case "archive": {
      const { kept_fen } = await api.post("/api/admin/camps/{camp_id}/archive", sent);
      return `已归档，${price(kept_fen)} 转为收入`;
    }
  }
}
