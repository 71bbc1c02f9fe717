/** Money is integer fen everywhere; only here it becomes text. */

/** 19900 → "199", 19950 → "199.50", 123456789 → "1,234,567.89". */
export function yuan(fen: number): string {
  const sign = fen < 0 ? "-" : "";
  const whole = Math.floor(Math.abs(fen) / 100);
  const rest = Math.abs(fen) % 100;
  const grouped = String(whole).replace(/\B(?=(\d{3})+$)/g, ",");
  return sign + grouped + (rest === 0 ? "" : `.${String(rest).padStart(2, "0")}`);
}

/** 19900 → "¥199". */
export function price(fen: number): string {
  return `¥${yuan(fen)}`;
}

/** "199" or "199.5" → fen; null for what is no amount with at most two decimals. */
export function fenOf(text: string): number | null {
  const found = /^(\d{1,9})(?:\.(\d{1,2}))?$/.exec(text.trim());
  return found ? Number(found[1]) * 100 + Number((found[2] ?? "").padEnd(2, "0")) : null;
}
