import { computed, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from "vue";

import { useAction, type Action } from "@shared/useAction";

import { api, type Schemas } from "@/api/client";
import { amountProblems, formOf, isChanged, valuesOf, type SettingsForm } from "@/utils/settingsForm";

type Group = Schemas["GroupOut"];

export interface SettingsGroupDesk {
  form: Ref<SettingsForm>;
  /** The secrets that saving takes away. */
  clear: Ref<Set<string>>;
  changed: ComputedRef<boolean>;
  problems: ComputedRef<Record<string, string>>;
  /** Somebody else saved the group meanwhile. */
  overtaken: ComputedRef<boolean>;
  /** What the last test of the form said. */
  outcome: ShallowRef<Schemas["CheckOut"] | null>;
  save: Action<[]>;
  test: Action<[sendMessage: boolean]>;
  /** Back to what the service has. */
  restart: () => Promise<void>;
}

/** Filling in, testing and saving one group; `replace` gets the group as the service has it now. */
export function useSettingsGroup(group: () => Group, replace: (group: Group) => void): SettingsGroupDesk {
  const form = ref<SettingsForm>(formOf(group()));
  const clear = ref(new Set<string>());
  const outcome = shallowRef<Schemas["CheckOut"] | null>(null);
  const own = shallowRef<Record<string, string>>({});
  const changed = computed(() => isChanged(group(), form.value, clear.value));

  function begin(from: Group): void {
    form.value = formOf(from);
    clear.value = new Set();
    own.value = {};
  }

  const typed = () => ({ values: valuesOf(group(), form.value), clear: [...clear.value] });
  const path = () => ({ group: group().key });

  function fits(): boolean {
    own.value = amountProblems(group(), form.value);
    return Object.keys(own.value).length === 0;
  }

  const save = useAction(async () => {
    if (!fits()) return;
    outcome.value = null;
    const body = { version: group().version, ...typed() };
    const saved = await api.put("/api/admin/settings/{group}", { path: path(), body });
    replace(saved);
    begin(saved);
  });

  const test = useAction(async (sendMessage: boolean) => {
    if (!fits()) return;
    save.error.value = null;
    outcome.value = null;
    const body = { ...typed(), send_message: sendMessage };
    outcome.value = await api.post("/api/admin/settings/{group}/test", { path: path(), body });
    if (!changed.value) replace(await api.get("/api/admin/settings/{group}", { path: path() }));
  });

  async function restart(): Promise<void> {
    test.error.value = null;
    const found = await api.get("/api/admin/settings/{group}", { path: path() });
    save.error.value = null;
    outcome.value = null;
    replace(found);
    begin(found);
  }

  // What was refused may be right now that the field says something else.
  watch(
    form,
    () => {
      own.value = {};
    },
    { deep: true },
  );

  const problems = computed(() => ({
    ...test.error.value?.fields,
    ...save.error.value?.fields,
    ...own.value,
  }));
  const overtaken = computed(() => save.error.value?.code === "settings_changed");

  return { form, clear, changed, problems, overtaken, outcome, save, test, restart };
}
