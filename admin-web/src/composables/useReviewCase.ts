import { computed, onScopeDispose, watch } from "vue";

import { useLoad } from "@shared/useLoad";

import { api, type Schemas } from "@/api/client";

/** A row rushed past by a held key isn't worth two requests. */
const SETTLED_MS = 150;

/** What is shown of one row: its refund when it has one, and its member when somebody is known. */
export interface ReviewCase {
  /** Of which row: the evidence of one must never stand beside the buttons of another. */
  about: string;
  refund: Schemas["RefundDetailOut"] | null;
  member: Schemas["MemberDetailOut"] | null;
}

interface Wanted {
  refundId: string | null;
  memberId: string | null;
}

/** Everything about the row under the cursor, read once the cursor rests; `read` hears of each answer. */
export function useReviewCase(row: () => Wanted | null, read: (found: ReviewCase) => void) {
  const wanted = computed(() => aboutOf(row()));
  const { state, data, error, load } = useLoad(async () => {
    const found = await readCase(row());
    if (found.about === wanted.value) read(found);
    return found;
  });
  let timer: number | undefined;

  watch(
    wanted,
    () => {
      window.clearTimeout(timer);
      if (row()) timer = window.setTimeout(() => void load(), SETTLED_MS);
    },
    { immediate: true },
  );
  onScopeDispose(() => {
    window.clearTimeout(timer);
  });

  return {
    state,
    data: computed(() => (data.value?.about === wanted.value ? data.value : null)),
    error,
    load,
  };
}

const aboutOf = (row: Wanted | null): string => `${row?.refundId ?? ""} ${row?.memberId ?? ""}`;

async function readCase(row: Wanted | null): Promise<ReviewCase> {
  const refund_id = row?.refundId ?? null;
  const member_id = row?.memberId ?? null;
  const [refund, member] = await Promise.all([
    refund_id === null ? null : api.get("/api/admin/refunds/{refund_id}", { path: { refund_id } }),
    member_id === null ? null : api.get("/api/admin/members/{member_id}", { path: { member_id } }),
  ]);
  return { about: aboutOf(row), refund, member };
}
