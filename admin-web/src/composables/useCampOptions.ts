import { useLoad } from "@shared/useLoad";
import { computed, ref } from "vue";

import { api, type Schemas } from "@/api/client";

type Camp = Pick<Schemas["CampOut"], "id" | "name">;

/** How many camps are offered at once; more are found by their name. */
const OFFERED = 50;

/**
 * Camps to choose from, newest first, of some states only if asked for. `search` narrows them by name; the camp chosen
 * before is always among them, so that an address sent to a colleague shows a name and no id.
 */
export function useCampOptions(chosen: () => string, status: () => Schemas["CampStatus"][] = () => []) {
  const q = ref("");
  const { state, data, load } = useLoad(async (): Promise<Camp[]> => {
    const found = await api.get("/api/admin/camps", {
      query: { page_size: OFFERED, status: status(), ...(q.value === "" ? {} : { q: q.value }) },
    });
    const id = chosen();
    if (id === "" || found.items.some((camp) => camp.id === id)) return found.items;
    return [...found.items, await named(id)];
  });

  /** Known already, or asked for; an id from an old address that no camp has (or not for this person) stays an id. */
  async function named(id: string): Promise<Camp> {
    const known = data.value?.find((camp) => camp.id === id);
    if (known) return known;
    try {
      return await api.get("/api/admin/camps/{camp_id}", { path: { camp_id: id } });
    } catch {
      return { id, name: "未知的训练营" };
    }
  }

  function search(text: string): void {
    if (text === q.value && data.value) return;
    q.value = text;
    void load();
  }

  return {
    options: computed(() => data.value ?? []),
    busy: computed(() => state.value === "loading"),
    search,
    load,
  };
}
