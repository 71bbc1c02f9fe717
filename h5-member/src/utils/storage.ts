import { Kept } from "@shared/storage";

type Key = "token" | "camps" | "reloaded" | "logins" | "returnTo" | `draft:${string}`;

const PREFIX = "camp:";

/** Kept until it is removed. */
export const local = new Kept<Key>(() => window.localStorage, PREFIX);

/** Kept until the tab is closed. */
export const perTab = new Kept<Key>(() => window.sessionStorage, PREFIX);
