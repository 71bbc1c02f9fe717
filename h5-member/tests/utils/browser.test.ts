import { expect, it } from "vitest";

import { inWeChat, onPhone } from "@/utils/browser";

it.each([
  ["Mozilla/5.0 (iPhone; CPU iPhone OS 15_0 like Mac OS X) Mobile/15E148 MicroMessenger/8.0.30", true, true],
  [
    "Mozilla/5.0 (Linux; Android 12) XWEB/1160065 MMWEBSDK/2023 Mobile Safari/537.36 MicroMessenger/8.0",
    true,
    true,
  ],
  ["Mozilla/5.0 (Windows NT 10.0) WindowsWechat MicroMessenger/7.0.20", true, false],
  ["Mozilla/5.0 (Linux; Android 12) Chrome/100 Mobile Safari/537.36", false, true],
  ["Mozilla/5.0 (Phone; OpenHarmony 5.0) ArkWeb/4.1 Mobile HuaweiBrowser/5.0", false, true],
  ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Chrome/130 Safari/537.36", false, false],
])("reads %s", (agent, wechat, phone) => {
  expect(inWeChat(agent)).toBe(wechat);
  expect(onPhone(agent)).toBe(phone);
});
