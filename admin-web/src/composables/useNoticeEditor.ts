import { computed, reactive, ref, shallowRef, watch } from "vue";

import { useAction } from "@shared/useAction";

import { api, asApiError, type Schemas } from "@/api/client";
import { useLater } from "@/composables/useLater";
import type { NoticeChoice, Told } from "@/composables/useNoticeSettings";

type Channel = Schemas["NoticeChannel"];

/** A field of a service-account template and what goes into it. */
export interface MpField {
  key: string;
  text: string;
}

const PREVIEW_PAUSE_SECONDS = 0.4;

/** The form of one notice with its live preview and test messages. */
export function useNoticeEditor(told: Told) {
  const { mp_fields: kept, ...rest } = told.notice.choice;
  const form = reactive({
    ...rest,
    channels: [...rest.channels],
    roles: [...rest.roles],
    staff_ids: [...rest.staff_ids],
    fields: Object.entries(kept).map(([key, text]): MpField => ({ key, text })),
  });
  const shown = shallowRef<Schemas["NoticePreviewOut"] | null>(null);
  /** What the service says is wrong with the words as they stand, by field. */
  const problems = shallowRef<Record<string, string>>({});
  const openid = ref("");
  const trial = shallowRef<{ ok: boolean; detail: string } | null>(null);
  let turn = 0;

  const mpFields = computed(() =>
    Object.fromEntries(form.fields.filter((one) => one.key !== "").map((one) => [one.key, one.text])),
  );
  const draft = computed(() => ({
    scene: told.scene.code,
    audience: told.notice.audience,
    title: form.title,
    content: form.content,
    mp_template_id: form.mp_template_id,
    mp_fields: mpFields.value,
  }));
  /** Everything as the service keeps it. */
  const choice = computed<NoticeChoice>(() => ({
    enabled: form.enabled,
    channels: form.channels,
    roles: form.roles,
    staff_ids: form.staff_ids,
    title: form.title,
    content: form.content,
    mp_template_id: form.mp_template_id,
    mp_fields: mpFields.value,
  }));

  async function preview(): Promise<void> {
    const mine = ++turn;
    try {
      const found = await api.post("/api/admin/notices/preview", { body: draft.value });
      if (mine !== turn) return;
      shown.value = found;
      problems.value = {};
    } catch (thrown) {
      if (mine !== turn) return;
      const error = asApiError(thrown);
      problems.value = Object.keys(error.fields).length > 0 ? error.fields : { content: error.message };
    }
  }

  const later = useLater(() => void preview(), PREVIEW_PAUSE_SECONDS);
  watch(
    draft,
    () => {
      later.soon();
    },
    { deep: true, immediate: true },
  );

  const test = useAction(async (channel: Channel) => {
    trial.value = null;
    const body = { ...draft.value, channel, openid: openid.value.trim() };
    try {
      trial.value = await api.post("/api/admin/notices/test", { body });
    } catch (thrown) {
      const error = asApiError(thrown);
      const [field] = Object.values(error.fields);
      trial.value = { ok: false, detail: field ?? error.message };
    }
  });

  return { form, choice, shown, problems, test, trial, openid };
}
