import { useAction, type Action } from "@shared/useAction";

import { api, type Schemas } from "@/api/client";

/** Sends a picture to the service, which checks it once more; `taken` gets its key and address. */
export function useUpload(
  kind: Schemas["UploadKind"],
  taken: (stored: Schemas["UploadOut"]) => void | Promise<void>,
): Action<[file: File]> {
  return useAction(async (file: File) => {
    const body = new FormData();
    body.set("kind", kind);
    body.set("file", file);
    await taken(await api.post("/api/admin/uploads", { body }));
  });
}
