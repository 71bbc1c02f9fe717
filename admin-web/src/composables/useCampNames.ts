import { allPages } from "@/api/allPages";
import { api, type Schemas } from "@/api/client";

type Member = Schemas["MemberOut"];

export interface DayNames {
  did: string[];
  didNot: string[];
}

/** Names of a camp's members, for lists that coaches paste into the group. */
export function useCampNames(campId: string) {
  const members = () =>
    allPages((paging) => api.get("/api/admin/members", { query: { ...paging, camp_id: campId } }));

  /** Who has the required days. */
  async function reached(): Promise<string[]> {
    return (await members()).filter((one) => one.days >= one.required_days).map(nameOf);
  }

  /** Who posted on a day and who didn't; people without an enrolment are left out. */
  async function onDay(day: string): Promise<DayNames> {
    const query = { camp_id: campId, from: day, to: day };
    const [everybody, posts] = await Promise.all([
      members(),
      allPages((paging) => api.get("/api/admin/checkins", { query: { ...paging, ...query } })),
    ]);
    const posted = new Set(posts.map((one) => one.member_id));
    const did = (one: Member) => posted.has(one.id);
    return {
      did: everybody.filter(did).map(nameOf),
      didNot: everybody.filter((one) => !did(one)).map(nameOf),
    };
  }

  return { reached, onDay };
}

/** The name on the planet, where it is known: what the group knows people by. */
function nameOf(member: Member): string {
  const found = member.match_status === "matched" ? member.planet_user?.name : undefined;
  return found ?? member.planet_nickname;
}
