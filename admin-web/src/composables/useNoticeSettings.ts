import { computed, shallowRef } from "vue";

import { useAction } from "@shared/useAction";
import { useLoad } from "@shared/useLoad";

import { api, type Schemas } from "@/api/client";
import { tell, tellRefusal } from "@/utils/dialogs";

export type Scene = Schemas["SceneOut"];
export type Notice = Schemas["NoticeOut"];
export type NoticeChoice = Schemas["NoticeChoiceOut"];
export type Colleague = Schemas["UserOut"];

/** One audience of one scene: what is edited as a whole. */
export interface Told {
  scene: Scene;
  notice: Notice;
}

/** As many as may be chosen from; a house with more staff finds the others by their role. */
const STAFF_OFFERED = 200;

/** All scenes with what super administrators chose for them, and the colleagues who may be told. */
export function useNoticeSettings() {
  const found = useLoad(() => api.get("/api/admin/notices"));
  const people = useLoad(() =>
    api.get("/api/admin/users", { query: { active: true, page_size: STAFF_OFFERED } }),
  );
  const editing = shallowRef<Told | null>(null);
  const staff = computed<Colleague[]>(() => people.data.value?.items ?? []);

  void found.load();
  void people.load();

  /** Puts what the service kept in the place of what is shown. */
  function put({ scene }: Told, notice: Notice): void {
    const old = found.data.value;
    if (!old) return;
    const scenes = old.scenes.map((one) =>
      one.code === scene.code
        ? {
            ...one,
            notices: one.notices.map((each) => (each.audience === notice.audience ? notice : each)),
          }
        : one,
    );
    found.data.value = { ...old, scenes };
  }

  const save = useAction(async (told: Told, choice: NoticeChoice) => {
    const path = { scene: told.scene.code, audience: told.notice.audience };
    put(told, await api.put("/api/admin/notices/{scene}/{audience}", { path, body: choice }));
    tell(`已保存「${told.scene.title}」`);
    editing.value = null;
  });

  const reset = useAction(async (told: Told) => {
    const path = { scene: told.scene.code, audience: told.notice.audience };
    put(told, await api.delete("/api/admin/notices/{scene}/{audience}", { path }));
    tell(`「${told.scene.title}」已恢复默认`);
    editing.value = null;
  });

  /** The switch in the list changes nothing else. */
  async function toggle(told: Told, enabled: boolean): Promise<void> {
    if (!(await save.run(told, { ...told.notice.choice, enabled })) && save.error.value) {
      const [field] = Object.values(save.error.value.fields);
      tellRefusal({ message: field ?? save.error.value.message });
    }
  }

  function edit(told: Told): void {
    save.error.value = null;
    editing.value = told;
  }

  return { found, staff, editing, edit, save, reset, toggle };
}
