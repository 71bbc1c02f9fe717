import { computed, type ComputedRef } from "vue";

import { useAction, type Action } from "@shared/useAction";

import { api, type Schemas } from "@/api/client";

export interface Uploading extends Action<[file: File]> {
  /** What is wrong with the picture; empty while nothing is. */
  refusal: ComputedRef<string>;
}

/** Sends a picture to the service, which checks it once more; `taken` gets its key and address. */
export function useUpload(
  kind: Schemas["UploadKind"],
  taken: (stored: Schemas["UploadOut"]) => void | Promise<void>,
): Uploading {
  const action = useAction(async (file: File) => {
    const body = new FormData();
    body.set("kind", kind);
    body.set("file", file);
    await taken(await api.post("/api/admin/uploads", { body }));
  });
  return {
    ...action,
    refusal: computed(() => action.error.value?.fields.file ?? action.error.value?.message ?? ""),
  };
}
