import { defineStore } from "pinia";
import { computed, ref } from "vue";

import { api, type Schemas } from "@/api/client";
import { useLoad } from "@shared/useLoad";
import { useSession } from "@/stores/session";

/** What belongs to the person: places, open orders, unread messages. Empty for somebody not logged in. */
export const useMine = defineStore("mine", () => {
  const session = useSession();
  const { state, data, error, load: read } = useLoad(() => api.get("/api/h5/me"));
  const owner = ref<string | null>(null);
  // Never shown to the next person who logs in here.
  const me = computed(() => (session.token !== null && owner.value === session.token ? data.value : null));

  /** Ask again. Asks nothing for somebody not logged in. */
  async function load(): Promise<void> {
    if (session.token === null) return;
    owner.value = session.token;
    await read();
  }

  /** The person's place in a camp. */
  function membershipOf(campId: string): Schemas["MembershipOut"] | null {
    return me.value?.memberships.find((one) => one.camp.id === campId) ?? null;
  }

  /** The person's order in a camp that can still be paid. */
  function orderOf(campId: string): Schemas["MyOrderOut"] | null {
    return me.value?.orders.find((one) => one.camp.id === campId) ?? null;
  }

  return { state, me, error, load, membershipOf, orderOf, unread: computed(() => me.value?.unread ?? 0) };
});
