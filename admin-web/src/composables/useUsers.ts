import { ref, shallowRef } from "vue";

import { useAction } from "@shared/useAction";

import { api, type Schemas } from "@/api/client";
import { confirmed, tell, tellRefusal } from "@/utils/dialogs";
import { actLines, isListed, USER_ACT, type UserAct, type UserForm } from "@/utils/userFields";

type User = Schemas["UserOut"];

/** A password that is shown once. */
export interface NewPassword {
  user: User;
  password: string;
}

/** Writing accounts; `changed` is called after what the list shows may be different. */
export function useUsers(changed: () => Promise<void>) {
  /** `undefined` while no dialog is open, null for a new account. */
  const editing = ref<User | null>();
  const shown = shallowRef<NewPassword | null>(null);

  const save = useAction(async (form: UserForm) => {
    const user = editing.value;
    if (form.role === "") return;
    const { role } = form;
    const body = {
      display_name: form.display_name.trim(),
      role,
      wecom_user_id: form.wecom_user_id.trim(),
      camp_ids: isListed(role) ? form.camp_ids : [],
    };
    if (user) await api.put("/api/admin/users/{user_id}", { path: { user_id: user.id }, body });
    else {
      const fresh = { ...body, username: form.username.trim(), password: form.password };
      await api.post("/api/admin/users", { body: fresh });
    }
    editing.value = undefined;
    tell(user ? "已保存" : "已添加，首次登录须修改密码");
    await changed();
  });

  const doing = useAction(async (act: UserAct, user: User) => {
    const path = { user_id: user.id };
    if (act === "reset") {
      const { password } = await api.post("/api/admin/users/{user_id}/reset-password", { path });
      shown.value = { user, password };
    } else if (act === "delete") await api.delete("/api/admin/users/{user_id}", { path });
    else if (act === "unlock") await api.post("/api/admin/users/{user_id}/unlock", { path });
    else await api.put("/api/admin/users/{user_id}", { path, body: { active: act === "enable" } });
    if (act !== "reset") tell(`已${USER_ACT[act].yes}：${user.display_name}`);
  });

  async function act(name: UserAct, user: User): Promise<void> {
    if (!(await confirmed({ ...USER_ACT[name], lines: actLines(name, user) }))) return;
    await doing.run(name, user);
    if (doing.error.value) tellRefusal(doing.error.value);
    // Also after a refusal: a colleague may have been faster.
    await changed();
  }

  function open(user: User | null): void {
    save.error.value = null;
    editing.value = user;
  }

  return { editing, open, save, act, busy: doing.busy, shown };
}
