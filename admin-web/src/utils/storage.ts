import { Kept } from "@shared/storage";

/** Kept until it is removed. */
export const local = new Kept<"token" | "approval" | `columns:${string}`>(
  () => window.localStorage,
  "camp-admin:",
);
