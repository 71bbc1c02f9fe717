import { computed, shallowRef, type ComputedRef, type ShallowRef } from "vue";

import { api, type ApiError, type Schemas } from "@/api/client";
import { useLoad } from "@shared/useLoad";
import { useMine } from "@/stores/mine";
import { enrollGate, gateOfRefusal, type EnrollGate } from "@/utils/enrollGate";

/** The person's place in the camp. */
interface Place {
  paymentId: string;
  memberId: string;
}

export interface Enroll {
  camp: ShallowRef<Schemas["CampOut"] | null>;
  /** The person's order in this camp that can still be paid. */
  order: ComputedRef<Schemas["MyOrderOut"] | null>;
  place: ComputedRef<Place | null>;
  gate: ComputedRef<EnrollGate>;
  /** Camp and person are known. */
  ready: ComputedRef<boolean>;
  missing: ComputedRef<boolean>;
  busy: ComputedRef<boolean>;
  error: ComputedRef<ApiError | null>;
  load: () => Promise<void>;
  /** An order was refused: if that settles who may enrol, it is newer than what the page was loaded with. */
  heed: (refusal: ApiError) => boolean;
}

/** One camp, seen by somebody who wants to enrol in it. */
export function useEnroll(campId: string): Enroll {
  const mine = useMine();
  const {
    state,
    data: camp,
    error,
    load,
  } = useLoad(() => api.get("/api/h5/camps/{camp_id}", { path: { camp_id: campId } }));
  const told = shallowRef<{ gate: EnrollGate; place: Place | null } | null>(null);

  const order = computed(() => mine.orderOf(campId));
  const place = computed(() => {
    const found = mine.membershipOf(campId);
    if (found === null) return told.value?.place ?? null;
    return { paymentId: found.payment_id, memberId: found.member_id };
  });
  const gate = computed(() => {
    if (told.value !== null) return told.value.gate;
    return camp.value === null ? "open" : enrollGate(camp.value, { place: place.value, order: order.value });
  });

  function heed({ code, data }: ApiError): boolean {
    const newGate = gateOfRefusal(code);
    if (newGate === null) return false;
    const paymentId = data?.payment_id;
    const memberId = data?.member_id;
    const known = typeof paymentId === "string" && typeof memberId === "string";
    told.value = { gate: newGate, place: known ? { paymentId, memberId } : null };
    return true;
  }

  return {
    camp,
    order,
    place,
    gate,
    ready: computed(() => camp.value !== null && mine.me !== null),
    missing: computed(() => error.value?.code === "camp_not_found" || error.value?.code === "not_found"),
    busy: computed(() => state.value === "loading" || mine.state === "loading"),
    error: computed(() => error.value ?? mine.error),
    load: async () => {
      await Promise.all([load(), mine.load()]);
      told.value = null;
    },
    heed,
  };
}
