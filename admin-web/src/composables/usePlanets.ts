import { ref, shallowRef, type Ref, type ShallowRef } from "vue";

import { useAction, type Action } from "@shared/useAction";

import { api, asApiError, type Schemas } from "@/api/client";
import type { PlanetForm } from "@/utils/planetFields";

type Planet = Schemas["PlanetOut"];

/** What the last test of a planet said; `ok` is null while it is under way. */
export interface Tested {
  ok: boolean | null;
  text: string;
}

export interface Planets {
  /** By planet id, as long as the page is open. */
  tests: ShallowRef<Map<string, Tested>>;
  test: (planet: Planet) => Promise<void>;
  /** `undefined` while no dialog is open, null for a new planet. */
  editing: Ref<Planet | null | undefined>;
  save: Action<[form: PlanetForm]>;
}

/** Trying and writing planets; `changed` is called after what the list shows may be different. */
export function usePlanets(changed: () => Promise<void>): Planets {
  const tests = shallowRef(new Map<string, Tested>());
  const editing = ref<Planet | null>();

  function note(id: string, tested: Tested): void {
    tests.value = new Map(tests.value).set(id, tested);
  }

  async function test(planet: Planet): Promise<void> {
    if (tests.value.get(planet.id)?.ok === null) return;
    note(planet.id, { ok: null, text: "正在连接…" });
    try {
      const sent = { path: { planet_id: planet.id } };
      const found = await api.post("/api/admin/planets/{planet_id}/test", sent);
      note(planet.id, { ok: found.ok, text: `${found.latency_ms} 毫秒 · ${found.detail}` });
    } catch (thrown) {
      note(planet.id, { ok: false, text: asApiError(thrown).message });
    }
    await changed();
  }

  const save = useAction(async (form: PlanetForm) => {
    const planet = editing.value;
    const body = { name: form.name.trim(), group_id: form.group_id.trim(), cookie: form.cookie.trim() };
    const saved = planet
      ? await api.put("/api/admin/planets/{planet_id}", {
          path: { planet_id: planet.id },
          body: { ...body, cookie: body.cookie || null },
        })
      : await api.post("/api/admin/planets", { body });
    editing.value = undefined;
    await changed();
    // A new cookie is worth nothing until it was tried.
    if (body.cookie) void test(saved);
  });

  return { tests, test, editing, save };
}
