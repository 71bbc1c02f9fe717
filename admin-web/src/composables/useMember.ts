import { ref, watch } from "vue";

import { useLoad } from "@shared/useLoad";

import { api } from "@/api/client";

// More days than any camp has.
const ALL_DAYS = 200;

/** A member with everything about them, and the days behind the count once they are asked for. */
export function useMember(id: () => string) {
  const daysWanted = ref(false);
  const detail = useLoad(() => api.get("/api/admin/members/{member_id}", { path: { member_id: id() } }));
  const checkins = useLoad(async () => {
    const query = { member_id: id(), page: 1, page_size: ALL_DAYS };
    return (await api.get("/api/admin/checkins", { query })).items;
  });

  async function reload(): Promise<void> {
    await Promise.all([detail.load(), ...(daysWanted.value ? [checkins.load()] : [])]);
  }

  // From one member to another the page stays, its content doesn't.
  watch(
    id,
    () => {
      detail.data.value = null;
      checkins.data.value = null;
      void reload();
    },
    { immediate: true },
  );

  return {
    detail,
    checkins,
    reload,
    showDays: () => {
      if (daysWanted.value) return;
      daysWanted.value = true;
      void checkins.load();
    },
  };
}
