import { describe, expect, it } from "vitest";

import { cleanForm, fieldProblem, formProblems } from "@/utils/form";

describe("fieldProblem", () => {
  it.each([
    ["planet_nickname", "早起的鸟", null],
    ["planet_nickname", "  早起的鸟  ", null],
    ["planet_nickname", "   ", "请填写星球昵称"],
    ["wechat_nickname", "", "请填写微信昵称"],
    ["wechat_nickname", "名".repeat(50), null],
    ["wechat_nickname", "名".repeat(51), "须为 1 至 50 个字"],
    // One code point each: fifty emoji are fifty characters, although a hundred code units.
    ["wechat_nickname", "🌱".repeat(50), null],
    ["wechat_nickname", "🌱".repeat(51), "须为 1 至 50 个字"],
    ["planet_nickname", "早\u200b起", "含有不可见的控制字符"],
    ["planet_nickname", "早\t起", "含有不可见的控制字符"],
    ["planet_nickname", "\u202e早起", "含有不可见的控制字符"],
    // The joiner inside family emoji is no control character for the service.
    ["planet_nickname", "👨\u200d👩\u200d👧", null],
    ["planet_number", "12345", null],
    ["planet_number", " １２３ ", null],
    ["planet_number", "1".repeat(20), null],
    ["planet_number", "1".repeat(21), "星球编号须为 1 至 20 位数字"],
    ["planet_number", "12a", "星球编号须为 1 至 20 位数字"],
    ["planet_number", "٣٤", "星球编号须为 1 至 20 位数字"],
    ["planet_number", "-5", "星球编号须为 1 至 20 位数字"],
    ["planet_number", "", "请填写星球编号"],
  ] as const)("%s %j → %s", (field, value, problem) => {
    expect(fieldProblem(field, value)).toBe(problem);
  });
});

describe("a form", () => {
  it("names each bad field and no other", () => {
    const form = { planet_nickname: "", planet_number: "x", wechat_nickname: "小鸟" };
    expect(formProblems(form)).toEqual({
      planet_nickname: "请填写星球昵称",
      planet_number: "星球编号须为 1 至 20 位数字",
    });
  });

  it("may have a part of the fields", () => {
    expect(formProblems({ planet_nickname: "小鸟", planet_number: "7" })).toEqual({});
  });

  it("is sent trimmed, with plain digits", () => {
    const form = { planet_nickname: " 小鸟 ", planet_number: "１２３", wechat_nickname: "鸟\n" };
    expect(cleanForm(form)).toEqual({ planet_nickname: "小鸟", planet_number: "123", wechat_nickname: "鸟" });
  });
});
