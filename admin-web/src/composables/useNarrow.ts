import { onScopeDispose, ref, type Ref } from "vue";

/** Whether the window is narrower than so many pixels, also after it is made wider or narrower. */
export function useNarrow(pixels: number): Ref<boolean> {
  const query = window.matchMedia(`(width < ${pixels}px)`);
  const narrow = ref(query.matches);
  const follow = () => {
    narrow.value = query.matches;
  };
  query.addEventListener("change", follow);
  onScopeDispose(() => {
    query.removeEventListener("change", follow);
  });
  return narrow;
}
