/** "99", "99.5", "¥1,299.00" → fen; null when it is no positive amount with at most two decimals. */
export function fenIn(text: string): number | null {
  const plain = text
    .trim()
    .replace(/^[¥￥]/, "")
    .replaceAll(",", "");
  const found = /^(\d{1,7})(?:\.(\d{1,2}))?$/.exec(plain);
  if (!found) return null;
  const fen = Number(found[1]) * 100 + Number((found[2] ?? "").padEnd(2, "0"));
  return fen > 0 ? fen : null;
}
