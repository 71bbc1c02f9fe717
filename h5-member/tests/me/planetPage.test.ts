import { beforeEach, expect, it, vi } from "vitest";

import { fresh, settled } from "../support/app";
import { count, ok, on, refusal, sent } from "../support/network";
import { planet } from "./factory";
import { openPage, type OpenedPage } from "./page";

const READ = /^GET .*\/members\/m1\/planet$/;
const WRITE = /^PUT .*\/members\/m1\/planet$/;
let opened: OpenedPage;

beforeEach(() => {
  fresh();
  vi.stubGlobal("scrollTo", () => undefined);
});

async function show(changes: Parameters<typeof planet>[0] = {}): Promise<void> {
  on(READ, ok(planet(changes)));
  opened = await openPage("/members/m1/planet");
}

async function type(field: string, value: string): Promise<void> {
  await opened.app.get(`#${field}`).setValue(value);
}

it("begins with what was typed, and says until when it can be corrected", async () => {
  await show();
  expect((opened.app.get("#planet_number").element as HTMLInputElement).value).toBe("12345678");
  expect(opened.text()).toContain("暂时没有找到您的星球账号");
  expect(opened.text()).toContain("3月4日 09:30 前可修改");
});

it("says what is wrong beside each field, and sends nothing", async () => {
  await show();
  await type("planet_nickname", "  ");
  await type("planet_number", "12a");
  await opened.press("保存并重新匹配");
  expect(opened.app.get("#planet_nickname-problem").text()).toBe("请填写星球昵称");
  expect(opened.app.get("#planet_number-problem").text()).toContain("1 至 20 位数字");
  expect(document.activeElement?.id).toBe("planet_nickname");
  expect(count(WRITE)).toBe(0);
});

it("sends clean fields once, and shows who was found", async () => {
  await show();
  on(
    WRITE,
    ok(
      planet({
        match_status: "matched",
        confidence: 100,
        planet_user_name: "林中小屋",
        correct_until: null,
        locked_reason: "星球信息已匹配成功，无需修改",
      }),
    ),
  );
  await type("planet_nickname", " 林中小屋 ");
  await type("planet_number", "１２３");
  const button = opened.app.get("form");
  void button.trigger("submit");
  void button.trigger("submit");
  await settled();
  expect(opened.text()).toContain("已找到您的星球账号：林中小屋");
  const bodies = sent.filter((one) => one.method === "PUT").map((one) => one.body);
  expect(bodies).toEqual([{ planet_nickname: "林中小屋", planet_number: "123" }]);
  expect(opened.text()).toContain("已保存，并重新匹配");
  expect(opened.text()).toContain("无需修改");
  expect(opened.app.find("form").exists()).toBe(false);
  expect(opened.links()).toEqual(["/progress/m1"]);
});

it.each([
  ["matched", 66, "找到昵称相同的账号：林中小屋"],
  ["suggested", 33, "可能是您的账号：林中小屋"],
  ["conflict", 0, "有多个相符的星球账号，待工作人员确认"],
  ["unmatched", 0, "暂时没有找到您的星球账号"],
] as const)("leaves the form open while nobody is sure: %s %s", async (match_status, confidence, words) => {
  await show();
  on(WRITE, ok(planet({ match_status, confidence, planet_user_name: "林中小屋" })));
  await opened.press("保存并重新匹配");
  expect(opened.text()).toContain(words);
  expect(opened.app.find("form").exists()).toBe(true);
});

it("puts what the service says of a field beside it", async () => {
  await show();
  const fields = [{ field: "planet_number", message: "这个编号不行" }];
  on(WRITE, refusal(422, "validation_error", "提交的内容有误", { fields }));
  await opened.press("保存并重新匹配");
  expect(opened.app.get("#planet_number-problem").text()).toBe("这个编号不行");
  expect(opened.text()).not.toContain("提交的内容有误");
  expect(opened.text()).not.toContain("已保存");
});

it("keeps what was typed when the network fails", async () => {
  await show();
  on(WRITE, "offline");
  await type("planet_nickname", "林中小屋");
  await opened.press("保存并重新匹配");
  expect(opened.text()).toContain("网络连接失败");
  expect((opened.app.get("#planet_nickname").element as HTMLInputElement).value).toBe("林中小屋");
});

it("shows the reason when it was closed meanwhile", async () => {
  await show();
  on(READ, ok(planet({ correct_until: null, locked_reason: "退款已在处理或已完成，不能再修改" })));
  on(WRITE, refusal(409, "planet_locked", "星球信息已不能修改"));
  await opened.press("保存并重新匹配");
  expect(opened.text()).toContain("退款已在处理或已完成，不能再修改");
  expect(opened.app.find("form").exists()).toBe(false);
});

it("is nothing to a stranger", async () => {
  on(READ, refusal(404, "not_found", "不存在"));
  opened = await openPage("/members/m1/planet");
  expect(opened.text()).toContain("没有找到这份报名");
});
