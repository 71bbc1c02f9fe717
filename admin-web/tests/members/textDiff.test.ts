import { describe, expect, it } from "vitest";

import { marked } from "@/utils/textDiff";

const shown = (one: string, other: string) =>
  marked(one, other).map((parts) => parts.map(({ text, same }) => (same ? text : `[${text}]`)).join(""));

describe("marked", () => {
  it("marks what only one of two names has", () => {
    expect(shown("早起的小鸟", "早起小鸟")).toEqual(["早起[的]小鸟", "早起小鸟"]);
    expect(shown("林小满", "林晓满")).toEqual(["林[小]满", "林[晓]满"]);
    expect(shown("84185", "84158")).toEqual(["841[8]5", "8415[8]"]);
  });

  it("finds no difference where the service finds none", () => {
    expect(shown("Ｌｉｎ  xiao", "lin Xiao")).toEqual(["Ｌｉｎ  xiao", "lin Xiao"]);
  });

  it("takes an emoji for one character", () => {
    expect(shown("跑步🏃", "跑步🚶")).toEqual(["跑步[🏃]", "跑步[🚶]"]);
  });

  it("marks all of two names that have little in common, and nothing of an empty one", () => {
    expect(shown("小鸟早起来", "阿来")).toEqual(["[小鸟早起来]", "[阿来]"]);
    expect(shown("甲", "乙")).toEqual(["[甲]", "[乙]"]);
    expect(shown("甲乙", "")).toEqual(["[甲乙]", ""]);
    expect(shown("", "")).toEqual(["", ""]);
  });
});
