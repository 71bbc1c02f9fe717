import { computed, onScopeDispose, ref, shallowRef, watch } from "vue";

import { useAction } from "@shared/useAction";

import { api, type Schemas } from "@/api/client";
import { local } from "@/utils/storage";

interface Approval {
  ids: string[];
  sumFen: number;
  /** Milliseconds since 1970 on this machine. */
  at: number;
}

/**
 * The last approval of this desk, to be taken back while the money hasn't begun to move. Kept on the machine, so that a
 * reload doesn't take the chance away; whether it is still one, the service decides row by row.
 */
export function useUndo(undoSeconds: () => number, undone: (result: Schemas["BatchOut"]) => void) {
  const last = shallowRef<Approval | null>(approvalIn(local.get("approval")));
  const now = ref(Date.now());
  const secondsLeft = computed(() =>
    last.value ? Math.max(0, Math.ceil(undoSeconds() - (now.value - last.value.at) / 1000)) : 0,
  );
  let timer: number | undefined;

  function remember(ids: string[], sumFen: number): void {
    now.value = Date.now();
    last.value = ids.length > 0 ? { ids, sumFen, at: now.value } : null;
    if (last.value) local.set("approval", last.value);
    else local.remove("approval");
  }

  watch(
    () => secondsLeft.value > 0,
    (counting) => {
      window.clearInterval(timer);
      if (counting) timer = window.setInterval(() => (now.value = Date.now()), 1000);
    },
    { immediate: true },
  );
  onScopeDispose(() => {
    window.clearInterval(timer);
  });

  const undo = useAction(async () => {
    if (!last.value) return;
    const result = await api.post("/api/admin/refunds/batch-undo", { body: { ids: last.value.ids } });
    remember([], 0);
    undone(result);
  });

  return { last, secondsLeft, remember, undo };
}

export function undoneText({ done, skipped }: Schemas["BatchOut"]): string {
  return `已撤销 ${done} 笔` + (skipped > 0 ? `，${skipped} 笔已发出，不能撤销` : "");
}

function approvalIn(kept: unknown): Approval | null {
  if (typeof kept !== "object" || kept === null || !("ids" in kept && "sumFen" in kept && "at" in kept))
    return null;
  const { ids, sumFen, at } = kept;
  if (!Array.isArray(ids) || typeof sumFen !== "number" || typeof at !== "number") return null;
  return { ids: ids.filter((id) => typeof id === "string"), sumFen, at };
}
