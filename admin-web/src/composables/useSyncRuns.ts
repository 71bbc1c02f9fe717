import { useAction } from "@shared/useAction";

import { api, type Schemas } from "@/api/client";
import { useList } from "@/composables/useList";
import { usePolling } from "@/composables/usePolling";
import { tell, tellRefusal } from "@/utils/dialogs";
import { SYNC_STATUS } from "@/utils/labels";

type Run = Schemas["SyncRunOut"];
const isRunning = (run: Run) => run.status === "running";
const readRun = (run_id: string) => api.get("/api/admin/sync-runs/{run_id}", { path: { run_id } });
const isStatus = (text: string): text is Schemas["SyncStatus"] => text in SYNC_STATUS;

/** Every reading of 知识星球, newest first; asked again while one of those shown is under way. */
export function useSyncRuns() {
  const list = useList<"camp_id" | "status", Run>(["camp_id", "status"], ({ camp_id, status }, page) =>
    api.get("/api/admin/sync-runs", {
      query: {
        ...page,
        ...(camp_id === "" ? {} : { camp_id }),
        ...(isStatus(status) ? { status } : {}),
      },
    }),
  );
  const again = useAction(async (campId: string) => {
    await api.post("/api/admin/camps/{camp_id}/sync", { path: { camp_id: campId } });
  });

  /** Only the rows under way, so that the list stays still. */
  async function follow(): Promise<void> {
    const before = list.rows.value;
    const known = await Promise.all(before.map((run) => (isRunning(run) ? readRun(run.id) : run)));
    if (list.rows.value === before) list.rows.value = known;
  }

  usePolling(
    // A lost answer is asked for again; the list itself has its own way to tell of errors.
    () => follow().catch(() => undefined),
    () => list.rows.value.some(isRunning),
  );

  return {
    list,
    busy: again.busy,
    startAgain: async (run: Run) => {
      if (await again.run(run.camp_id)) tell("已开始同步");
      else if (again.error.value) tellRefusal(again.error.value);
      await list.reload();
    },
  };
}

/** Seconds from one instant to another; null while the second isn't known. */
export function secondsOf(run: Pick<Run, "started_at" | "finished_at">): number | null {
  if (run.finished_at === null) return null;
  return Math.max(0, Math.round((Date.parse(run.finished_at) - Date.parse(run.started_at)) / 1000));
}

/** 75 → "1 分 15 秒". */
export function durationText(seconds: number | null): string {
  if (seconds === null) return "—";
  return seconds < 60 ? `${seconds} 秒` : `${Math.floor(seconds / 60)} 分 ${seconds % 60} 秒`;
}
