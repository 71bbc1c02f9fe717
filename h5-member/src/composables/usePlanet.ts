import { ref, type Ref } from "vue";

import { api, type Schemas } from "@/api/client";
import { useAction, type Action } from "@shared/useAction";
import { useLoad, type Load } from "@shared/useLoad";
import { cleanForm, fieldProblem, formProblems, type PersonForm } from "@/utils/form";

export type PlanetForm = Pick<PersonForm, "planet_nickname" | "planet_number">;
type Problems = Partial<Record<keyof PlanetForm, string>>;

export interface Planet {
  planet: Load<Schemas["MyPlanetOut"]>;
  form: Ref<PlanetForm>;
  problems: Ref<Problems>;
  /** A field was left: say what is wrong with it. */
  check: (field: keyof PlanetForm) => void;
  /** Send the correction, if its fields are fit to be sent; true when the service took it. */
  save: () => Promise<boolean>;
  saving: Action<[]>;
}

/** What a member typed about their planet account, and the correction of it. */
export function usePlanet(memberId: string): Planet {
  const at = { path: { member_id: memberId } };
  const form = ref<PlanetForm>({ planet_nickname: "", planet_number: "" });
  const problems = ref<Problems>({});

  const planet = useLoad(async () => {
    const found = await api.get("/api/h5/members/{member_id}/planet", at);
    show(found);
    return found;
  });
  const saving = useAction(async () => {
    const found = await api.put("/api/h5/members/{member_id}/planet", { ...at, body: cleanForm(form.value) });
    planet.data.value = found;
    show(found);
  });

  function show({ planet_nickname, planet_number }: PlanetForm): void {
    form.value = { planet_nickname, planet_number };
    problems.value = {};
  }

  async function save(): Promise<boolean> {
    problems.value = formProblems(form.value);
    if (Object.keys(problems.value).length > 0) return false;
    if (await saving.run()) return true;
    const refusal = saving.error.value;
    problems.value = refusal?.fields ?? {};
    // It was closed meanwhile, by time or by staff: the service says why.
    if (refusal?.code === "planet_locked") await planet.load();
    return false;
  }

  return {
    planet,
    form,
    problems,
    check: (field) => {
      const problem = fieldProblem(field, form.value[field]);
      problems.value = { ...problems.value, [field]: problem ?? undefined };
    },
    save,
    saving,
  };
}
