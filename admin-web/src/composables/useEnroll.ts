import { ref, type Ref } from "vue";

import { useLoad, type Load } from "@shared/useLoad";

import { api, type Schemas } from "@/api/client";

type Camp = Schemas["CampOut"];

export interface Enroll {
  /** The camp whose link is shown; null while the dialog is closed. */
  camp: Ref<Camp | null>;
  link: Load<Schemas["EnrollUrlOut"] | null>;
  open: (camp: Camp) => void;
  close: () => void;
}

/** The dialog with a camp's enrolment link. */
export function useEnroll(): Enroll {
  const camp = ref<Camp | null>(null);
  const link = useLoad(async () => {
    const shown = camp.value;
    if (shown === null) return null;
    return api.get("/api/admin/camps/{camp_id}/enroll-url", { path: { camp_id: shown.id } });
  });

  return {
    camp,
    link,
    open: (wanted) => {
      if (camp.value?.id !== wanted.id) link.data.value = null;
      camp.value = wanted;
      void link.load();
    },
    close: () => {
      camp.value = null;
      link.data.value = null;
    },
  };
}
