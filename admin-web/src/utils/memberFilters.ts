import type { Schemas } from "@/api/client";
import type { Filters } from "@/composables/useList";
import { isDay } from "@/utils/days";
import { MATCH_STATUS, STANDING, VERDICT } from "@/utils/labels";

/** What the list of members can be filtered by, as it stands in the address. */
export const MEMBER_FILTERS = [
  "camp_id",
  "match_status",
  "confidence",
  "standing",
  "verdict",
  "joined",
  "paid_from",
  "paid_to",
  "q",
] as const;

const isVerdict = (text: string): text is Schemas["Verdict"] => text in VERDICT;

/** The same as the service asks for it; what an old or mistyped address says and nothing can be is left out. */
export function memberQuery(filters: Partial<Filters<(typeof MEMBER_FILTERS)[number]>>) {
  const { camp_id = "", match_status = "", confidence = "", verdict = "", joined = "", q = "" } = filters;
  const { standing = "", paid_from = "", paid_to = "" } = filters;
  // Several states stand in links of the workbench, parted by commas.
  const states = match_status.split(",").filter((state) => state in MATCH_STATUS);
  const standings = standing.split(",").filter((state) => state in STANDING);
  return {
    ...(camp_id === "" ? {} : { camp_id }),
    ...(states.length === 0 ? {} : { match_status: states.join(",") }),
    ...(/^\d{1,3}$/.test(confidence) ? { confidence: Number(confidence) } : {}),
    ...(standings.length === 0 ? {} : { standing: standings.join(",") }),
    ...(isVerdict(verdict) ? { verdict } : {}),
    ...(joined === "true" || joined === "false" ? { joined: joined === "true" } : {}),
    ...(isDay(paid_from) ? { paid_from } : {}),
    ...(isDay(paid_to) ? { paid_to } : {}),
    ...(q === "" ? {} : { q }),
  };
}
