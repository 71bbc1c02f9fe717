import { describe, expect, it } from "vitest";

import type { Schemas } from "@/api/client";
import {
  actLines,
  passwordProblem,
  randomPassword,
  roleLines,
  selfReason,
  stateOf,
  stateQuery,
  userProblems,
  type UserForm,
} from "@/utils/userFields";

const camp = (name: string, only_coach = false): Schemas["UserCampOut"] => ({
  id: name,
  name,
  status: "enrolling",
  kind: "coach",
  only_coach,
});
const user: Schemas["UserOut"] = {
  id: "1",
  username: "lin",
  display_name: "小林",
  role: "coach",
  active: true,
  must_change_password: false,
  last_login_at: null,
  created_at: "2026-03-01T10:00:00+08:00",
  wecom_user_id: null,
  locked_until: null,
  camps: [camp("甲营", true), camp("乙营")],
};
const form: UserForm = {
  username: "lin",
  display_name: "小林",
  role: "coach",
  password: "first-pass-1",
  wecom_user_id: "",
  camp_ids: [],
};

describe("the form of an account", () => {
  it.each<[Partial<UserForm>, string[]]>([
    [{}, []],
    [{ username: "x" }, ["username"]],
    [{ username: "a b" }, ["username"]],
    [{ username: "小林" }, []],
    [{ display_name: " " }, ["display_name"]],
    [{ role: "" }, ["role"]],
    [{ password: "short1" }, ["password"]],
    [{ password: "onlyletters" }, ["password"]],
    [{ wecom_user_id: "-x" }, ["wecom_user_id"]],
    [{ wecom_user_id: "Lin.1@team" }, []],
  ])("refuses what the service would: %o", (change, fields) => {
    expect(Object.keys(userProblems({ ...form, ...change }, true))).toEqual(fields);
  });

  it("asks for no password of an account that is there", () => {
    expect(userProblems({ ...form, password: "" }, false)).toEqual({});
  });

  it("makes passwords that are taken", () => {
    const made = new Set(Array.from({ length: 200 }, randomPassword));
    expect(made.size).toBe(200);
    for (const password of made) expect(passwordProblem(password, "lin")).toBe("");
  });

  it("says what another role does", () => {
    expect(roleLines(user, "coach")).toEqual([]);
    const lines = roleLines(user, "volunteer");
    expect(lines[0]).toContain("立即退出登录");
    expect(lines[1]).toContain("2 个训练营的教练名单");
    expect(lines[2]).toContain("「甲营」没有其他在职教练");
    expect(roleLines({ ...user, camps: [] }, "manager")).toHaveLength(1);
  });
});

describe("states", () => {
  it("tells a disabled account as that, locked or not", () => {
    const until = "2026-03-01T10:15:00+08:00";
    expect(stateOf(user)).toBe("active");
    expect(stateOf({ active: true, locked_until: until })).toBe("locked");
    expect(stateOf({ active: false, locked_until: until })).toBe("disabled");
  });

  it("asks the list for them", () => {
    expect(stateQuery("")).toEqual({});
    expect(stateQuery("active")).toEqual({ active: true });
    expect(stateQuery("disabled")).toEqual({ active: false });
    expect(stateQuery("locked")).toEqual({ active: true, locked: true });
  });
});

describe("questions", () => {
  it("say that log-ins end at once, and which camps are left alone", () => {
    for (const act of ["disable", "delete", "reset"] as const)
      expect(actLines(act, user).join()).toContain("立即退出");
    expect(actLines("disable", user).join()).toContain("「甲营」将没有在职教练");
    expect(actLines("delete", user).join()).toContain("需先安排另一名教练才能删除");
    expect(actLines("delete", { ...user, camps: [] })).toHaveLength(2);
  });

  it("say that a reset ends a lock", () => {
    expect(actLines("reset", user).join()).not.toContain("锁定");
    expect(actLines("reset", { ...user, locked_until: user.created_at }).join()).toContain("锁定");
  });

  it("explain why not oneself", () => {
    expect(selfReason(user, "1")).toContain("另一名超级管理员");
    expect(selfReason(user, "2")).toBe("");
  });
});
