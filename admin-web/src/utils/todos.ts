/** What waits for a person, in the order of urgency, with the page where it is done. */
import type { RouteLocationRaw } from "vue-router";

import { price } from "@shared/money";
import { dateTime, fullDay } from "@shared/time";

import type { Schemas } from "@/api/client";

export interface Todo {
  key: string;
  /** Red: money or members wait for it. */
  urgent: boolean;
  text: string;
  note: string;
  to: RouteLocationRaw;
}

type Waiting = Schemas["TodoOut"];

export function todosOf(waiting: Waiting): Todo[] {
  return [...moneyTodos(waiting), ...syncTodos(waiting), ...memberTodos(waiting), ...campTodos(waiting)];
}

function moneyTodos({ refund_hold, refunds_failed, refunds_to_review, open_cases }: Waiting): Todo[] {
  const found: Todo[] = [];
  if (refund_hold)
    found.push({
      key: "hold",
      urgent: true,
      text: "退款发送已暂停",
      note: "排除原因后点「恢复发送」",
      to: { name: "refunds", query: { status: "failed" } },
    });
  if (refunds_failed?.count)
    found.push({
      key: "failed",
      urgent: true,
      text: `${refunds_failed.count} 笔退款失败`,
      note: `${price(refunds_failed.sum_fen)}，重试或标记已处理`,
      to: { name: "refunds", query: { status: "failed" } },
    });
  if (open_cases)
    found.push({
      key: "cases",
      urgent: true,
      text: `${open_cases} 项对账差异`,
      note: "需要核对并写明处理结果",
      to: { name: "reconciliation" },
    });
  if (refunds_to_review?.count)
    found.push({
      key: "review",
      urgent: false,
      text: `${refunds_to_review.count} 笔退款待审核`,
      note: price(refunds_to_review.sum_fen),
      to: { name: "refunds-pending" },
    });
  return found;
}

function syncTodos({ planets_invalid, broken_syncs }: Waiting): Todo[] {
  const planets = (planets_invalid ?? []).map((planet) => ({
    key: `planet:${planet.id}`,
    urgent: true,
    text: `「${planet.name}」的凭证已失效`,
    note: "打卡同步已暂停，请更新凭证",
    to: { name: "planets" },
  }));
  const syncs = (broken_syncs ?? []).map((sync) => ({
    key: `sync:${sync.sync_run_id}`,
    urgent: true,
    text: `「${sync.camp_name}」${sync.status === "partial" ? "同步不完整" : "同步失败"}`,
    note: `${dateTime(sync.started_at)} ${sync.error_message ?? ""}`,
    to: { name: "sync-logs", query: { camp_id: sync.camp_id } },
  }));
  return [...planets, ...syncs];
}

function memberTodos({ members_to_match, members_to_confirm }: Waiting): Todo[] {
  const found: Todo[] = [];
  if (members_to_match)
    found.push({
      key: "match",
      urgent: false,
      text: `${members_to_match} 名会员待匹配`,
      note: "匹配后打卡才会计入",
      to: { name: "matching" },
    });
  if (members_to_confirm)
    found.push({
      key: "confirm",
      urgent: false,
      text: `${members_to_confirm} 名会员的匹配待确认`,
      note: "按昵称匹配，请人工看一眼",
      to: { name: "matching", query: { tab: "to_confirm" } },
    });
  return found;
}

function campTodos({ camps_ending, old_group_qrs }: Waiting): Todo[] {
  const pictures = old_group_qrs.map((camp) => ({
    key: `qr:${camp.id}`,
    urgent: false,
    text: `「${camp.name}」的群二维码该更换了`,
    note: `上传于 ${dateTime(camp.uploaded_at)}，满 7 天失效`,
    to: { name: "camp", params: { id: camp.id } },
  }));
  const ending = camps_ending.map((camp) => ({
    key: `ending:${camp.id}`,
    urgent: false,
    text: `「${camp.name}」即将结束`,
    note: `最后一天 ${fullDay(camp.ends_on)}`,
    to: { name: "camp", params: { id: camp.id }, query: { tab: "checkins" } },
  }));
  return [...pictures, ...ending];
}
