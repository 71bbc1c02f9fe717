import { reactive, ref, watch, type Ref } from "vue";

import {
  cleanForm,
  fieldProblem,
  formProblems,
  PERSON_KEYS,
  type PersonField,
  type PersonForm,
} from "@/utils/form";
import { perTab } from "@/utils/storage";

export interface PayForm {
  form: PersonForm;
  problems: Ref<Partial<PersonForm>>;
  /** Begin with what was typed in this tab, else with what the service remembers of the person. */
  begin: (remembered: PersonForm | null) => void;
  /** A field was left: say what is wrong with it. An empty one is only spoken of when the form is sent. */
  check: (field: PersonField) => void;
  /** The fields to send, or null with `problems` filled in. */
  finish: () => PersonForm | null;
}

/** The form of one camp; what is typed lasts as long as the tab, also through a visit to the cashier. */
export function usePayForm(campId: string): PayForm {
  const form = reactive<PersonForm>({ planet_nickname: "", planet_number: "", wechat_nickname: "" });
  const problems = ref<Partial<PersonForm>>({});

  function begin(remembered: PersonForm | null): void {
    Object.assign(form, draftOf(campId) ?? remembered);
  }

  function check(field: PersonField): void {
    const problem = form[field] === "" ? null : fieldProblem(field, form[field]);
    problems.value = { ...problems.value, [field]: problem ?? undefined };
  }

  function finish(): PersonForm | null {
    problems.value = formProblems(form);
    return Object.keys(problems.value).length === 0 ? cleanForm(form) : null;
  }

  watch(form, () => {
    perTab.set(`draft:${campId}`, form);
    // A complaint goes away as soon as it is met.
    for (const field of PERSON_KEYS) if (problems.value[field] !== undefined) check(field);
  });

  return { form, problems, begin, check, finish };
}

function draftOf(campId: string): PersonForm | null {
  const kept = perTab.get(`draft:${campId}`);
  return isForm(kept) ? kept : null;
}

function isForm(value: unknown): value is PersonForm {
  return (
    typeof value === "object" &&
    value !== null &&
    PERSON_KEYS.every((field) => typeof (value as Record<string, unknown>)[field] === "string")
  );
}

/** The person has a place: nothing is to be filled in again. */
export function forgetDraft(campId: string): void {
  perTab.remove(`draft:${campId}`);
}
