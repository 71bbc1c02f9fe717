import { defineStore } from "pinia";
import { ref } from "vue";

import { api, useToken } from "@/api/client";
import { local } from "@/utils/storage";

/** Who is using the app: a token, kept on the device, from WeChat or for a guest. */
export const useSession = defineStore("session", () => {
  const kept = local.get("token");
  const token = ref(typeof kept === "string" ? kept : null);
  useToken(token.value);

  function keep(value: string): void {
    token.value = value;
    local.set("token", value);
    useToken(value);
  }

  /** Forget the person: the token is missing, old or refused. */
  function drop(): void {
    token.value = null;
    local.remove("token");
    useToken(null);
  }

  /** Leave for WeChat's silent log-in, which ends on the callback page. "Back" doesn't come by here again. */
  function goToWeChat(returnTo: string): void {
    window.location.replace(`/api/h5/auth/wechat?return_to=${encodeURIComponent(returnTo)}`);
  }

  /** Finish WeChat's log-in. Returns the page of ours to go on with. */
  async function logInWithWeChat(code: string, state: string): Promise<string> {
    const answer = await api.post("/api/h5/auth/wechat", { body: { code, state } });
    keep(answer.token);
    return answer.return_to;
  }

  /** A session for browsers outside WeChat. */
  async function logInAsGuest(): Promise<void> {
    keep((await api.post("/api/h5/auth/guest")).token);
  }

  return { token, drop, goToWeChat, logInWithWeChat, logInAsGuest };
});
