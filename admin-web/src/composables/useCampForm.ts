import { computed, reactive, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from "vue";

import { asApiError, type ApiError } from "@shared/api";
import { useAction, type Action } from "@shared/useAction";
import { useLoad, type Load } from "@shared/useLoad";

import { api } from "@/api/client";
import {
  bodyOf,
  changeOf,
  emptyForm,
  formOf,
  lockedIn,
  missingToPublish,
  problemsOf,
  serviceName,
  refusedFields,
  typedSince,
  type Camp,
  type CampForm,
  type Problems,
} from "@/utils/campFields";
import { POLICY } from "@/utils/policyDraft";

export interface CampWriting {
  form: CampForm;
  /** As it was read or last saved; null until a new camp is saved for the first time. */
  camp: ShallowRef<Camp | null>;
  loading: Load<Camp | null>;
  dirty: ComputedRef<boolean>;
  locked: ComputedRef<Set<string>>;
  /** By field name: what a person has to mend, once they tried, and what the service refused. */
  problems: ComputedRef<Problems>;
  busy: Ref<boolean>;
  /** A colleague moved the camp on before it was saved: it is shown as it stands now. */
  overtaken: Ref<boolean>;
  /** A refusal that belongs to no field. */
  error: ComputedRef<ApiError | null>;
  /** Saves what changed; false with something in `problems` or `error`. */
  save: () => Promise<boolean>;
  /** Creates the saved draft's check-in project at 知识星球; its number is the camp's from then on. */
  makeProject: Action<[]>;
  /** Whether publishing has all it needs; shows what is missing. */
  publishable: () => boolean;
}

/** Writing a camp: what is typed, what is wrong with it, saving it as a draft or as a change. */
export function useCampForm(id: () => string | undefined): CampWriting {
  const form = reactive(emptyForm());
  const before = shallowRef(emptyForm());
  const camp = shallowRef<Camp | null>(null);
  const tried = ref(false);
  const publishing = ref(false);
  const refused = shallowRef<Problems>({});
  const overtaken = ref(false);

  const dirty = computed(() => JSON.stringify(form) !== JSON.stringify(before.value));
  const missing = computed(() => (publishing.value ? missingToPublish(form) : {}));
  const problems = computed(() => ({
    ...refused.value,
    ...(tried.value ? { ...missing.value, ...problemsOf(form, camp.value) } : {}),
  }));

  // What the service refused of the deal is said about another one: the preview tells about this one.
  watch([() => form.refund_policy, () => form.starts_on, () => form.ends_on, () => form.deposit], () => {
    const others = Object.entries(refused.value).filter(([field]) => !field.startsWith(POLICY));
    refused.value = Object.fromEntries(others);
  });

  function take(read: Camp): void {
    camp.value = read;
    before.value = formOf(read);
    Object.assign(form, formOf(read));
  }

  const loading = useLoad(async () => {
    const wanted = id();
    if (wanted === undefined) return null;
    const read = await api.get("/api/admin/camps/{camp_id}", { path: { camp_id: wanted } });
    take(read);
    return read;
  });

  const sending = useAction(async () => {
    const known = camp.value;
    if (known === null) return take(await api.post("/api/admin/camps", { body: bodyOf(form) }));
    if (!dirty.value) return;
    const body = changeOf(before.value, form);
    take(await api.put("/api/admin/camps/{camp_id}", { path: { camp_id: known.id }, body }));
  });

  async function save(): Promise<boolean> {
    tried.value = true;
    refused.value = {};
    overtaken.value = false;
    if (Object.keys(problemsOf(form, camp.value)).length > 0) return false;
    const saved = await sending.run();
    const code = sending.error.value?.code;
    if (code === "camp_locked" || code === "camp_wrong_state") await catchUp();
    else if (sending.error.value) refused.value = refusedFields(sending.error.value);
    return saved;
  }

  /** Read the camp again; what was typed stays where it may still be changed. */
  async function catchUp(): Promise<void> {
    const typed = typedSince(before.value, form);
    await loading.load();
    if (loading.state.value !== "done") return;
    overtaken.value = true;
    const fixed = lockedIn(camp.value?.status ?? null);
    Object.assign(form, Object.fromEntries(typed.filter(([name]) => !fixed.has(serviceName(name)))));
  }

  const makeProject = useAction(async () => {
    if (!camp.value) return;
    const path = { camp_id: camp.value.id };
    take(await api.post("/api/admin/camps/{camp_id}/checkin-project", { path }));
  });

  function publishable(): boolean {
    tried.value = true;
    publishing.value = true;
    return Object.keys({ ...missing.value, ...problemsOf(form, camp.value) }).length === 0;
  }

  return {
    form,
    camp,
    loading,
    dirty,
    locked: computed(() => lockedIn(camp.value?.status ?? null)),
    problems,
    busy: sending.busy,
    overtaken,
    error: computed(() => {
      const error = sending.error.value;
      return error && Object.keys(refusedFields(asApiError(error))).length === 0 ? error : null;
    }),
    save,
    makeProject,
    publishable,
  };
}
