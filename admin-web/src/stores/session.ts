import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";

import { api, type Schemas } from "@/api/client";
import { local } from "@/utils/storage";

export type Permission = Schemas["Permission"];

/** Who is at the desk: the token, kept on the machine, and what its owner may do. */
export const useSession = defineStore("session", () => {
  const kept = local.get("token");
  const token = ref(typeof kept === "string" ? kept : null);
  const user = shallowRef<Schemas["StaffOut"] | null>(null);
  api.useToken(token.value);

  const permissions = computed(() => new Set<Permission>(user.value?.permissions ?? []));

  function may(permission: Permission): boolean {
    return permissions.value.has(permission);
  }

  function drop(): void {
    token.value = null;
    user.value = null;
    local.remove("token");
    api.useToken(null);
  }

  async function logIn(username: string, password: string): Promise<void> {
    const answer = await api.post("/api/admin/auth/login", { body: { username, password } });
    token.value = answer.access_token;
    user.value = answer.user;
    local.set("token", answer.access_token);
    api.useToken(answer.access_token);
  }

  /** Ask who the kept token belongs to; roles may have changed since the last visit. */
  async function recall(): Promise<void> {
    user.value = await api.get("/api/admin/auth/me");
  }

  async function logOut(): Promise<void> {
    await api.post("/api/admin/auth/logout");
    drop();
  }

  async function changePassword(oldPassword: string, newPassword: string): Promise<void> {
    await api.post("/api/admin/auth/password", {
      body: { old_password: oldPassword, new_password: newPassword },
    });
    drop();
  }

  return { token, user, permissions, may, drop, logIn, recall, logOut, changePassword };
});
