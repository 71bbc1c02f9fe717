import { onMounted, ref, type Ref } from "vue";
import { useRoute, useRouter } from "vue-router";

import { asApiError } from "@/api/client";
import { useSession } from "@/stores/session";
import { ownPage } from "@/utils/ownPage";
import { perTab } from "@/utils/storage";

export interface LoginCallback {
  state: Ref<"working" | "refused" | "failed">;
  /** Why it failed, in Chinese. */
  message: Ref<string>;
  /** Begin again: WeChat's code and our state are good once, so nothing is sent a second time. */
  restart: () => void;
}

/** Finishes WeChat's log-in with the `code` and `state` in the address, and goes on to the wished page. */
export function useLoginCallback(): LoginCallback {
  const session = useSession();
  const route = useRoute();
  const router = useRouter();
  const state = ref<"working" | "refused" | "failed">("working");
  const message = ref("");
  const wished = () => ownPage(perTab.get("returnTo"));

  async function finish(code: string, oauthState: string): Promise<void> {
    let page = wished();
    try {
      page = ownPage(await session.logInWithWeChat(code, oauthState));
    } catch (thrown) {
      message.value = asApiError(thrown).message;
      // Reloaded, or come back to: the log-in was finished before.
      if (session.token === null) state.value = "failed";
    }
    if (session.token !== null) await router.replace(page);
  }

  onMounted(() => {
    const { code, state: oauthState } = route.query;
    if (typeof code === "string" && code !== "" && typeof oauthState === "string" && oauthState !== "") {
      void finish(code, oauthState);
    } else {
      state.value = "refused";
    }
  });

  return {
    state,
    message,
    restart: () => {
      perTab.set("logins", 0);
      void router.replace({ name: "login", query: { to: wished() } });
    },
  };
}
