import { computed, ref } from "vue";

import { useAction } from "@shared/useAction";
import { useLoad } from "@shared/useLoad";

import { api, type Schemas } from "@/api/client";

/** How many people a search shows; a longer name or the number finds the rest. */
const SHOWN = 20;

export interface Choosing {
  id: string;
  camp_id: string;
}

/** Saying by hand who a member is: people who resemble what was typed, or those a search finds, and the choice. */
export function useMatchChoice(member: Choosing, done: (matched: Schemas["MemberOut"]) => void) {
  const q = ref("");
  const people = useLoad(async (): Promise<Schemas["CandidateOut"][]> => {
    const typed = q.value.trim();
    if (typed === "") {
      const found = await api.get("/api/admin/members/{member_id}", { path: { member_id: member.id } });
      return found.evidence.candidates;
    }
    const query = { camp_id: member.camp_id, q: typed, page: 1, page_size: SHOWN };
    return (await api.get("/api/admin/planet-users", { query })).items;
  });
  const chosenId = ref("");
  const chosen = computed(() => people.data.value?.find((person) => person.id === chosenId.value) ?? null);
  const send = useAction(async (reason: string) => {
    const body = { planet_user_id: chosenId.value, ...(reason === "" ? {} : { reason }) };
    done(await api.post("/api/admin/members/{member_id}/match", { path: { member_id: member.id }, body }));
  });

  function search(text: string): void {
    q.value = text;
    chosenId.value = "";
    send.error.value = null;
    void people.load();
  }

  /** Somebody else's person can't be chosen: one planet person is one member of a camp. */
  const isTaken = (person: Schemas["CandidateOut"]) =>
    person.taken_by !== null && person.taken_by !== member.id;

  void people.load();
  return { q, people, chosenId, chosen, isTaken, search, send };
}
