/** Which rows of a long list are worth drawing: those in sight and a few around them. Rows have one height. */
export interface Slice {
  from: number;
  to: number;
  /** Pixels of the rows left out above and below. */
  above: number;
  below: number;
}

const AROUND = 10;

export function visibleRows(count: number, rowHeight: number, scrollTop: number, height: number): Slice {
  const first = Math.floor(Math.max(0, scrollTop) / rowHeight);
  const from = Math.max(0, Math.min(first, count) - AROUND);
  const to = Math.min(count, first + Math.ceil(height / rowHeight) + AROUND);
  return { from, to, above: from * rowHeight, below: (count - to) * rowHeight };
}

/** The scroll position nearest to the present one at which a row is wholly in sight. */
export function scrollToRow(index: number, rowHeight: number, scrollTop: number, height: number): number {
  const top = index * rowHeight;
  if (top < scrollTop) return top;
  return Math.max(scrollTop, top + rowHeight - height);
}
