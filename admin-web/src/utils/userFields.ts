/** Accounts of staff: what a form holds, what would be refused, and what an act does to the person. */
import type { Schemas } from "@/api/client";
import { STAFF_ROLE, type Label } from "@/utils/labels";

type User = Schemas["UserOut"];
type Role = Schemas["StaffRole"];

export interface UserForm {
  username: string;
  display_name: string;
  role: Role | "";
  password: string;
  wecom_user_id: string;
  camp_ids: string[];
}

export type UserState = "active" | "disabled" | "locked";

export const USER_STATE: Record<UserState, Label> = {
  active: { text: "正常", type: "success" },
  disabled: { text: "已停用", type: "info" },
  locked: { text: "登录锁定", type: "warning" },
};

/** A disabled person can't log in, locked or not. */
export function stateOf(user: Pick<User, "active" | "locked_until">): UserState {
  if (!user.active) return "disabled";
  return user.locked_until === null ? "active" : "locked";
}

/** What the list is asked with for a state. */
export function stateQuery(state: string): { active?: boolean; locked?: boolean } {
  if (state === "locked") return { active: true, locked: true };
  return state === "" ? {} : { active: state === "active" };
}

/** Coaches and volunteers see the camps that list them; the others see all. */
export const isListed = (role: Role | ""): boolean => role === "coach" || role === "volunteer";

/** The service's own rules. */
export function passwordProblem(password: string, username: string): string {
  if (password.length < 8) return "密码至少 8 位";
  if (!/\p{L}/u.test(password) || !/\d/.test(password)) return "密码须同时包含字母和数字";
  return password.toLowerCase() === username.toLowerCase() ? "密码不能与用户名相同" : "";
}

export function userProblems(form: UserForm, isNew: boolean): Partial<Record<keyof UserForm, string>> {
  const found: Partial<Record<keyof UserForm, string>> = {};
  if (isNew && !/^[\p{L}\p{N}_.@-]{2,50}$/u.test(form.username.trim()))
    found.username = "用户名为 2 至 50 位字母、数字或 . _ @ -";
  if (form.display_name.trim() === "") found.display_name = "请填写姓名";
  if (form.role === "") found.role = "请选择角色";
  const problem = isNew ? passwordProblem(form.password, form.username.trim()) : "";
  if (problem) found.password = problem;
  if (!/^([A-Za-z0-9][A-Za-z0-9_.@-]{0,63})?$/.test(form.wecom_user_id.trim()))
    found.wecom_user_id = "以字母或数字开头，最多 64 位，可含 . _ @ -";
  return found;
}

/** Twelve letters and digits that are hard to take for others, at least one of each. */
export function randomPassword(): string {
  const alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789";
  for (;;) {
    const numbers = crypto.getRandomValues(new Uint32Array(12));
    const password = [...numbers].map((number) => alphabet.charAt(number % alphabet.length)).join("");
    if (passwordProblem(password, "") === "") return password;
  }
}

const quoted = (camps: { name: string }[]) => camps.map((camp) => `「${camp.name}」`).join("");

/** What another role means, for a dialog that is open; nothing while the role stays. */
export function roleLines(user: User, role: Role | ""): string[] {
  if (role === "" || role === user.role) return [];
  const alone = user.camps.filter((camp) => camp.only_coach);
  const lines = [
    `角色改为${STAFF_ROLE[role]}后，${user.display_name} 会立即退出登录，重新登录后按新角色工作。`,
  ];
  if (user.camps.length > 0)
    lines.push(`将从 ${user.camps.length} 个训练营的${STAFF_ROLE[user.role]}名单中移除。`);
  if (alone.length > 0) lines.push(`${quoted(alone)}没有其他在职教练，需先为其安排另一名教练才能保存。`);
  return lines;
}

export type UserAct = "disable" | "enable" | "delete" | "reset" | "unlock";

export const USER_ACT: Record<UserAct, { title: string; yes: string; danger: boolean }> = {
  disable: { title: "停用用户", yes: "停用", danger: true },
  enable: { title: "启用用户", yes: "启用", danger: false },
  delete: { title: "删除用户", yes: "删除", danger: true },
  reset: { title: "重置密码", yes: "重置密码", danger: true },
  unlock: { title: "解除登录锁定", yes: "解除锁定", danger: false },
};

/** What a person says yes to. */
export function actLines(act: UserAct, user: User): string[] {
  const who = `${user.display_name}（${user.username}，${STAFF_ROLE[user.role]}）`;
  const alone = user.camps.filter((camp) => camp.only_coach);
  switch (act) {
    case "disable":
      return [
        `停用 ${who}？`,
        "该用户会立即退出所有已登录的设备，之后无法登录；资料和训练营安排保留，可随时重新启用。",
        ...(alone.length > 0 ? [`停用后${quoted(alone)}将没有在职教练，请尽快安排另一名教练。`] : []),
      ];
    case "enable":
      return [`启用 ${who}？`, "该用户可以用原密码重新登录。"];
    case "delete":
      return [
        `删除 ${who}？`,
        "该用户会立即退出登录并从用户列表消失，用户名可以重新使用；其操作日志保留。此操作无法撤销。",
        ...(user.camps.length > 0 ? [`将从 ${user.camps.length} 个训练营的人员名单中移除。`] : []),
        ...(alone.length > 0 ? [`${quoted(alone)}没有其他在职教练，需先安排另一名教练才能删除。`] : []),
      ];
    case "reset":
      return [
        `重置 ${who} 的密码？`,
        "系统会生成一个随机密码，只显示一次；该用户会立即退出所有设备，登录后必须先修改密码。",
        ...(user.locked_until === null ? [] : ["登录锁定会同时解除。"]),
      ];
    case "unlock":
      return [`解除 ${who} 的登录锁定？`, "请先确认连续输错密码的是本人；该用户可以立即用原密码登录。"];
  }
}

/** Why somebody can't do this to themselves; empty for everybody else. */
export function selfReason(user: Pick<User, "id">, me: string | undefined): string {
  return user.id === me ? "不能停用、删除自己或修改自己的角色，请由另一名超级管理员操作" : "";
}
