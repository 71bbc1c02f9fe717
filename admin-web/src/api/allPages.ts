// The most that a list of the service gives at once.
const AT_ONCE = 100;

/** Everything in a list, page by page; for lists as long as one camp at most. */
export async function allPages<T>(
  read: (paging: { page: number; page_size: number }) => Promise<{ items: T[]; total: number }>,
): Promise<T[]> {
  const found: T[] = [];
  for (let page = 1; ; page += 1) {
    const { items, total } = await read({ page, page_size: AT_ONCE });
    found.push(...items);
    if (items.length === 0 || found.length >= total) return found;
  }
}
