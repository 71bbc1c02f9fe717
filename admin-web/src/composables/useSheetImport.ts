import { computed, ref, shallowRef } from "vue";

import { useAction } from "@shared/useAction";
import { useLoad } from "@shared/useLoad";

import type { Schemas } from "@/api/client";

export type ImportOutcome = Schemas["ImportOut"];

/** The service's own limit. */
const MOST_BYTES = 2_900_000;

/** What the service would refuse before reading; empty when nothing speaks against the file. */
export function sheetProblem(file: { name: string; size: number }): string {
  if (!/\.(xlsx|csv)$/i.test(file.name)) return "只能导入 .xlsx 或 .csv 文件";
  return file.size > MOST_BYTES ? "文件超过 2.9 MB，请拆成几个文件分别导入" : "";
}

/**
 * A sheet on its way in: chosen, looked through by the service without writing anything, then applied whole. Importing
 * the same sheet again changes nothing, so after a lost answer one more try is safe.
 */
export function useSheetImport(send: (body: FormData) => Promise<ImportOutcome>, applied: () => void) {
  const file = shallowRef<File | null>(null);
  const whole = ref(false);
  const problem = ref("");
  const done = shallowRef<ImportOutcome | null>(null);

  function bodyFor(
    mode: Schemas["Body_import_checkins_api_admin_camps__camp_id__checkins_import_post"]["mode"],
  ) {
    const body = new FormData();
    if (file.value) body.set("file", file.value);
    body.set("mode", mode);
    body.set("whole", String(whole.value));
    return body;
  }

  const preview = useLoad(() => send(bodyFor("preview")));
  const apply = useAction(async () => {
    try {
      done.value = await send(bodyFor("apply"));
    } catch (thrown) {
      // Things may have changed since the preview: show how the sheet stands now.
      void preview.load();
      throw thrown;
    }
    applied();
  });

  function look(): void {
    done.value = null;
    apply.error.value = null;
    preview.data.value = null;
    preview.error.value = null;
    if (file.value) void preview.load();
  }

  return {
    file,
    whole: computed({
      get: () => whole.value,
      set: (all: boolean) => {
        whole.value = all;
        look();
      },
    }),
    /** Why a file was not even sent. */
    problem,
    preview,
    apply,
    done,
    choose: (chosen: File) => {
      problem.value = sheetProblem(chosen);
      if (problem.value !== "") return;
      file.value = chosen;
      look();
    },
    clear: () => {
      file.value = null;
      problem.value = "";
      look();
    },
  };
}
