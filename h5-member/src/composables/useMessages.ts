import { api, type Schemas } from "@/api/client";
import { usePaged, type Paged } from "@shared/usePaged";
import { useMine } from "@/stores/mine";

type Message = Schemas["MessageOut"];

/**
 * The person's messages, newest first. What was shown is marked as read with the service, and keeps its mark here
 * until the next visit, so that one sees what is new.
 */
export function useMessages(): Paged<Message> {
  const mine = useMine();
  const paged = usePaged<Message>(
    (page) => api.get("/api/h5/messages", { query: { page } }),
    (message) => message.id,
  );
  let marked = false;

  async function mark(): Promise<void> {
    if (marked || paged.items.value.every((message) => message.read)) return;
    marked = true;
    try {
      await api.post("/api/h5/messages/read");
      await mine.load();
    } catch {
      // Nothing is lost: they stay unread, and the next page shown tries again.
      marked = false;
    }
  }

  return {
    ...paged,
    more: () => paged.more().then(mark),
    refresh: () => {
      marked = false;
      return paged.refresh().then(mark);
    },
  };
}
