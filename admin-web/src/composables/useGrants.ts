import { useAction } from "@shared/useAction";

import { api } from "@/api/client";

/** Days that count by a person's word: for one member, or excused for a whole camp. */
export function useGrants() {
  return {
    grant: useAction(async (memberId: string, days: string[], reason: string) => {
      const path = { member_id: memberId };
      await api.post("/api/admin/members/{member_id}/grants", { path, body: { days, reason } });
    }),
    excuse: useAction(
      async (campId: string, day: string, reason: string, done: (members: number) => void) => {
        const path = { camp_id: campId };
        done(
          (await api.post("/api/admin/camps/{camp_id}/amnesties", { path, body: { day, reason } })).members,
        );
      },
    ),
  };
}
