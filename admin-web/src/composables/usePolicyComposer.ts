import { computed, onScopeDispose, ref, shallowRef, watch } from "vue";

import { fenOf } from "@shared/money";
import { useLoad } from "@shared/useLoad";

import { api, type Schemas } from "@/api/client";
import { totalDays, underPolicy, type CampForm, type Problems } from "@/utils/campFields";
import { addDays, today } from "@/utils/days";
import { CUSTOM, gapsIn, partOf, policyOf, templateOf, type PolicyDraft } from "@/utils/policyDraft";

type Preview = Schemas["PreviewOut"];
type Ask = Schemas["PreviewIn"];

/** Asked this long after the last change: not for each key. */
const PAUSE_MS = 400;
/** The templates have names also before anything is typed; their numbers are of no use then. */
const STAND_IN = { days: 21, depositFen: 19_900 };

/**
 * Composing a deal: which template it is, what is wrong with it, and what it would pay. The service alone judges; it is
 * asked again whenever the deal, the days, or the deposit change.
 */
export function usePolicyComposer(form: () => CampForm) {
  const kinds = useLoad(() => api.get("/api/admin/policies/kinds"));
  /** Whose days the rehearsal takes; empty: people as they usually are. */
  const campId = ref("");
  const byHand = ref(false);
  /** What was typed under another template comes back with it. */
  const typed = new Map<string, PolicyDraft>();

  const draft = computed(() => form().refund_policy);
  const gaps = computed(() => gapsIn(draft.value, kinds.data.value));
  const isReady = computed(() => totalDays(form()) > 0 && (fenOf(form().deposit) ?? 0) > 0);
  const asked = computed<Ask>(() => {
    const complete = isReady.value && Object.keys(gaps.value).length === 0;
    const { starts_on, ends_on, deposit } = form();
    const days = isReady.value
      ? { starts_on, ends_on }
      : { starts_on: today(), ends_on: addDays(today(), STAND_IN.days - 1) };
    return {
      ...days,
      deposit_fen: isReady.value ? (fenOf(deposit) ?? 0) : STAND_IN.depositFen,
      ...(complete ? { refund_policy: { ...draft.value } } : {}),
      ...(complete && campId.value !== "" ? { camp_id: campId.value } : {}),
    };
  });
  /** Of the question that was answered last: an answer about another deal must not stand beside this one. */
  const answered = shallowRef("");
  const reading = useLoad(async () => {
    const body = asked.value;
    const found = await api.post("/api/admin/camps/preview-policy", { body });
    return { found, question: JSON.stringify(body) };
  });
  let timer: number | undefined;

  watch(reading.data, (now) => {
    answered.value = now?.question ?? "";
  });
  watch(
    () => JSON.stringify(asked.value),
    (now) => {
      window.clearTimeout(timer);
      if (now === answered.value) return;
      timer = window.setTimeout(() => void reading.load(), reading.state.value === "idle" ? 0 : PAUSE_MS);
    },
    { immediate: true },
  );
  onScopeDispose(() => {
    window.clearTimeout(timer);
  });
  void kinds.load();

  const templates = computed(() => reading.data.value?.found.templates ?? []);
  const template = computed(() => (byHand.value ? CUSTOM : templateOf(draft.value, templates.value)));
  // Kinds come and go while one composes by hand; by chance they are those of a template.
  watch([template, templates], () => {
    if (template.value === CUSTOM && templates.value.length > 0) byHand.value = true;
  });
  const proposal = computed(() => {
    const found = templates.value.find((one) => one.code === template.value);
    return found && isReady.value ? policyOf(found.refund_policy) : null;
  });
  const preview = computed<Preview | null>(() => {
    const found = reading.data.value?.found ?? null;
    return found && asked.value.refund_policy && found.problems.length === 0 ? found : null;
  });

  /** Another deal with what was chosen of counting and fee. */
  const like = ({ conditions, payout }: PolicyDraft): PolicyDraft => ({ ...draft.value, conditions, payout });

  const isOld = computed(() => answered.value !== JSON.stringify(asked.value));

  /** The numbers of the templates suit the days and the deposit as they are now; false when that can't be found out. */
  async function areFresh(): Promise<boolean> {
    if (!isOld.value) return true;
    window.clearTimeout(timer);
    await reading.load();
    return !isOld.value;
  }

  /** The deal as the template proposes it, or as it was typed before; null: it stays. */
  async function choose(code: string): Promise<PolicyDraft | null> {
    const before = { code: template.value, draft: draft.value };
    if (code === CUSTOM) {
      typed.set(before.code, before.draft);
      byHand.value = true;
      const known = typed.get(code);
      return known ? like(known) : null;
    }
    if (!typed.has(code) && !(await areFresh())) return null;
    const found = templates.value.find((one) => one.code === code);
    const known = typed.get(code) ?? (found && policyOf(found.refund_policy));
    if (!known) return null;
    typed.set(before.code, before.draft);
    byHand.value = false;
    return like(known);
  }

  return {
    kinds,
    campId,
    template,
    templates,
    proposal,
    isReady,
    /** What the deal says and pays; null while it can't be told. It may be about the deal of a moment ago. */
    preview,
    isOld,
    error: reading.error,
    retry: reading.load,
    problems: computed<Problems>(() => {
      const found = reading.data.value?.found.problems ?? [];
      if (!asked.value.refund_policy) return {};
      return underPolicy(Object.fromEntries(found.map(({ field, message }) => [field, message])));
    }),
    choose,
    recommend: async (): Promise<PolicyDraft | null> => {
      const found = templates.value.find((one) => one.is_recommended);
      if (!found) return null;
      typed.delete(found.code);
      return choose(found.code);
    },
    /** The numbers that suit the camp's days. */
    propose: async (): Promise<PolicyDraft | null> =>
      (await areFresh()) && proposal.value ? like(proposal.value) : null,
    addCondition: (kind: Schemas["KindFormOut"]): PolicyDraft => ({
      ...draft.value,
      conditions: [...draft.value.conditions, partOf(kind)],
    }),
    payBy: (kind: Schemas["KindFormOut"]): PolicyDraft => ({ ...draft.value, payout: partOf(kind) }),
  };
}

export type PolicyComposer = ReturnType<typeof usePolicyComposer>;
