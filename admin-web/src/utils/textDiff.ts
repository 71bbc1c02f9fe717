/** Two names side by side with what differs between them marked, so that a person needn't look for it. */
import { isSame } from "@/utils/sameText";

export interface Part {
  text: string;
  same: boolean;
}

/**
 * The parts of each text: `same` ones stand in both, in this order. Compared as the service compares names. Texts that
 * share less than half of their characters are different as a whole.
 */
export function marked(one: string, other: string): [Part[], Part[]] {
  if (isSame(one, other)) return [whole(one, true), whole(other, true)];
  const [a, b] = [Array.from(one), Array.from(other)];
  const common = commonOf(a, b);
  if (common.inOne.size * 2 < Math.max(a.length, b.length)) return [whole(one, false), whole(other, false)];
  return [partsOf(a, common.inOne), partsOf(b, common.inOther)];
}

function whole(text: string, same: boolean): Part[] {
  return text === "" ? [] : [{ text, same }];
}

const folded = (character: string) => character.normalize("NFKC").toLowerCase();

/** Which characters of each belong to the longest sequence that both contain. */
function commonOf(a: string[], b: string[]): { inOne: Set<number>; inOther: Set<number> } {
  const [one, other] = [a.map(folded), b.map(folded)];
  // length[i][j]: of the longest common sequence of what stands from i and from j on.
  const length = Array.from({ length: one.length + 1 }, () => new Array<number>(other.length + 1).fill(0));
  const at = (i: number, j: number) => length[i]?.[j] ?? 0;
  for (let i = one.length - 1; i >= 0; i--)
    for (let j = other.length - 1; j >= 0; j--) {
      const row = length[i];
      if (row) row[j] = one[i] === other[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  const inOne = new Set<number>();
  const inOther = new Set<number>();
  for (let i = 0, j = 0; i < one.length && j < other.length;) {
    if (one[i] === other[j]) {
      inOne.add(i++);
      inOther.add(j++);
    } else if (at(i + 1, j) >= at(i, j + 1)) i++;
    else j++;
  }
  return { inOne, inOther };
}

/** Neighbours of one kind are one part. */
function partsOf(characters: string[], common: Set<number>): Part[] {
  const parts: Part[] = [];
  characters.forEach((text, index) => {
    const same = common.has(index);
    const last = parts.at(-1);
    if (last?.same === same) last.text += text;
    else parts.push({ text, same });
  });
  return parts;
}
