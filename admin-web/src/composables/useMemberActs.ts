import { shallowRef } from "vue";

import { useAction } from "@shared/useAction";

import { api, type Schemas } from "@/api/client";
import { confirmed, tell, tellRefusal } from "@/utils/dialogs";

/** What a batch takes at most (the service's own limit). */
export const MOST_AT_ONCE = 1000;

export interface BatchDone {
  verb: string;
  batch: Schemas["BatchOut"];
}

/**
 * What staff do to members: group, match, no match. Every refusal is told; `changed` is called after each try, since a
 * refusal mostly means that a colleague was faster.
 */
export function useMemberActs(changed: () => unknown) {
  const outcome = shallowRef<BatchDone | null>(null);
  const action = useAction(async (act: () => Promise<string | null>) => {
    const said = await act();
    if (said !== null) tell(said);
  });

  async function run(act: () => Promise<string | null>): Promise<boolean> {
    const went = await action.run(act);
    if (action.error.value) tellRefusal(action.error.value);
    await changed();
    return went;
  }

  async function batch(verb: string, send: () => Promise<Schemas["BatchOut"]>): Promise<boolean> {
    return run(async () => {
      outcome.value = { verb, batch: await send() };
      return null;
    });
  }

  const at = (member: { id: string }) => ({ path: { member_id: member.id } });

  return {
    busy: action.busy,
    error: action.error,
    outcome,

    join: (member: Schemas["MemberOut"], joined: boolean) =>
      run(async () => {
        await api.post("/api/admin/members/{member_id}/joined", { ...at(member), body: { joined } });
        return joined
          ? `「${member.planet_nickname}」已标记进群`
          : `已取消「${member.planet_nickname}」的进群标记`;
      }),

    joinMany: async (ids: string[], joined: boolean) => {
      const question = {
        title: joined ? "批量标记进群" : "批量取消进群标记",
        lines: [`所选 ${ids.length} 位会员将${joined ? "标记为已进群" : "取消进群标记"}。`],
        yes: `${joined ? "标记" : "取消标记"} ${ids.length} 位`,
      };
      if (!(await confirmed(question))) return false;
      return batch(joined ? "标记进群" : "取消进群标记", () =>
        api.post("/api/admin/members/batch-joined", { body: { ids, joined } }),
      );
    },

    /** The person who was shown, and no other, also when a newer suggestion came up meanwhile. */
    confirm: (member: Schemas["MemberOut"], person: { id: string; name: string }) =>
      run(async () => {
        await api.post("/api/admin/members/{member_id}/match", {
          ...at(member),
          body: { planet_user_id: person.id },
        });
        return `「${member.planet_nickname}」已匹配给 ${person.name}`;
      }),

    confirmMany: async (ids: string[]) => {
      const question = {
        title: "批量确认匹配",
        lines: [
          `确认所选 ${ids.length} 位会员的匹配结果，置信度将变为 100。`,
          "请确认已逐一看过「会员填写」与「星球查到」的差异。",
        ],
        yes: `确认 ${ids.length} 位`,
      };
      if (!(await confirmed(question))) return false;
      return batch("确认", () => api.post("/api/admin/members/batch-confirm-match", { body: { ids } }));
    },

    close: (member: { id: string; planet_nickname: string }, reason: string) =>
      run(async () => {
        await api.post("/api/admin/members/{member_id}/close-match", { ...at(member), body: { reason } });
        return `「${member.planet_nickname}」已标记无法匹配`;
      }),

    closeMany: (ids: string[], reason: string) =>
      batch("标记无法匹配", () =>
        api.post("/api/admin/members/batch-close-match", { body: { ids, reason } }),
      ),

    reopen: (member: { id: string; planet_nickname: string }) =>
      run(async () => {
        await api.post("/api/admin/members/{member_id}/reopen-match", at(member));
        return `「${member.planet_nickname}」已重新打开，等待匹配`;
      }),

    unmatch: async (member: Schemas["MemberOut"]) => {
      const question = {
        title: `取消「${member.planet_nickname}」的匹配`,
        lines: [
          `目前匹配给 ${member.planet_user?.name ?? "—"}，取消后打卡天数不再计入，下次同步会重新匹配。`,
        ],
        yes: "取消匹配",
        danger: true,
      };
      if (!(await confirmed(question))) return false;
      return run(async () => {
        await api.post("/api/admin/members/{member_id}/unmatch", at(member));
        return "已取消匹配";
      });
    },
  };
}
