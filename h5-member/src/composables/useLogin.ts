import { onMounted, ref, type Ref, type ShallowRef } from "vue";
import { useRouter } from "vue-router";

import type { ApiError } from "@/api/client";
import { useAction } from "@shared/useAction";
import { useSession } from "@/stores/session";
import { inWeChat } from "@/utils/browser";
import { perTab } from "@/utils/storage";

// A token that is refused at once leads here again: after so many times in a tab a person must ask for it.
const AUTOMATIC = 3;

export interface Login {
  state: Ref<"working" | "waiting">;
  /** Why the last try failed; null when it wasn't tried. */
  error: ShallowRef<ApiError | null>;
  /** Log in because a person asked for it. */
  logIn: () => void;
}

/** Logs in as soon as the page stands, and goes on to `to`: in WeChat silently through it, elsewhere as a guest. */
export function useLogin(to: string): Login {
  const session = useSession();
  const router = useRouter();
  const state = ref<"working" | "waiting">("working");

  const { error, run } = useAction(async () => {
    // The callback page needs it when WeChat sends nobody back who may be asked.
    perTab.set("returnTo", to);
    if (inWeChat()) {
      session.goToWeChat(to);
    } else {
      await session.logInAsGuest();
      await router.replace(to);
    }
  });

  async function attempt(count: number): Promise<void> {
    perTab.set("logins", count);
    state.value = "working";
    if (!(await run())) state.value = "waiting";
  }

  onMounted(() => {
    const before = Number(perTab.get("logins") ?? 0);
    if (session.token !== null) void router.replace(to);
    else if (before < AUTOMATIC) void attempt(before + 1);
    else state.value = "waiting";
  });

  return { state, error, logIn: () => void attempt(1) };
}
