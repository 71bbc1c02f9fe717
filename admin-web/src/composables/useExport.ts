import { useAction, type Action } from "@shared/useAction";

import { tell, tellRefusal } from "@/utils/dialogs";
import { saveFile } from "@/utils/files";

export type SheetFormat = "xlsx" | "csv";

/** A list as a file, made by the service from the same filters; a refusal is told. */
export function useExport<F extends string = SheetFormat>(
  read: (format: F) => Promise<{ blob: Blob; name: string }>,
): Action<[format: F]> {
  const action = useAction(async (format: F) => {
    saveFile(await read(format));
    tell("已导出，请在浏览器下载中查看");
  });

  return {
    ...action,
    run: async (format) => {
      const went = await action.run(format);
      if (action.error.value) tellRefusal(action.error.value);
      return went;
    },
  };
}
