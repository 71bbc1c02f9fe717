/** As the service compares names: full-width forms, case and runs of white space make no difference. */
export function isSame(one: string, other: string): boolean {
  const folded = (text: string) => text.normalize("NFKC").toLowerCase().trim().replace(/\s+/g, " ");
  return folded(one) !== "" && folded(one) === folded(other);
}
