import { useLoad } from "@shared/useLoad";
import { computed, ref } from "vue";

import { api } from "@/api/client";

const OFFERED = 20;

interface Option {
  id: string;
  label: string;
}

/** Members to choose from, of one camp or of all; the one chosen before is among them by name. */
export function useMemberOptions(chosen: () => string, campId: () => string) {
  const q = ref("");
  const { state, data, load } = useLoad(async (): Promise<Option[]> => {
    const camp = campId();
    const query = {
      page_size: OFFERED,
      ...(q.value === "" ? {} : { q: q.value }),
      ...(camp === "" ? {} : { camp_id: camp }),
    };
    const found = (await api.get("/api/admin/members", { query })).items.map(optionOf);
    const id = chosen();
    if (id === "" || found.some((one) => one.id === id)) return found;
    return [await named(id), ...found];
  });

  async function named(id: string): Promise<Option> {
    try {
      return optionOf(await api.get("/api/admin/members/{member_id}", { path: { member_id: id } }));
    } catch {
      return { id, label: "未知的会员" };
    }
  }

  return {
    options: computed(() => data.value ?? []),
    busy: computed(() => state.value === "loading"),
    load,
    search: (text: string) => {
      if (text.trim() === q.value && data.value) return;
      q.value = text.trim();
      void load();
    },
  };
}

function optionOf(member: { id: string; planet_nickname: string; planet_number: string }): Option {
  return { id: member.id, label: `${member.planet_nickname}（${member.planet_number}）` };
}
