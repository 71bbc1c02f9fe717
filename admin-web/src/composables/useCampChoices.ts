import { watch, type Ref } from "vue";

import { useLoad, type Load } from "@shared/useLoad";

import { api, type Schemas } from "@/api/client";

// The most that a list of the service gives at once; nobody has more planets, coaches or volunteers.
const ALL = { page: 1, page_size: 100 };

export interface CampChoices {
  planets: Load<Schemas["PlanetOut"][]>;
  /** The check-in projects of the chosen planet, read from 知识星球 right now; null without a planet. */
  projects: Load<Schemas["ProjectOut"][] | null>;
  staff: Load<{ coaches: Schemas["UserOut"][]; volunteers: Schemas["UserOut"][] }>;
}

/** What a camp's form lets a person choose from. */
export function useCampChoices(planetId: Ref<string>): CampChoices {
  const planets = useLoad(async () => (await api.get("/api/admin/planets", { query: ALL })).items);
  const projects = useLoad(async () => {
    if (planetId.value === "") return null;
    return api.get("/api/admin/planets/{planet_id}/projects", { path: { planet_id: planetId.value } });
  });
  const staff = useLoad(async () => {
    const active = (role: Schemas["StaffRole"]) =>
      api.get("/api/admin/users", { query: { ...ALL, role, active: true } });
    const [coaches, volunteers] = await Promise.all([active("coach"), active("volunteer")]);
    return { coaches: coaches.items, volunteers: volunteers.items };
  });

  void planets.load();
  void staff.load();
  watch(
    planetId,
    () => {
      projects.data.value = null;
      void projects.load();
    },
    { immediate: true },
  );
  return { planets, projects, staff };
}
