import type { Directive } from "vue";

import { useSession, type Permission } from "@/stores/session";

/** `v-permission="'refund.review'"`: an element that only some roles get to see. The service checks again. */
export const permission: Directive<HTMLElement, Permission> = {
  mounted(element, { value }) {
    if (!useSession().may(value)) element.remove();
  },
};
