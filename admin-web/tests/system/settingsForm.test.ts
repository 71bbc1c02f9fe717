import { describe, expect, it } from "vitest";

import type { Schemas } from "@/api/client";
import { amountProblems, connectionState, formOf, isChanged, valuesOf } from "@/utils/settingsForm";

type Field = Schemas["FieldOut"];

function field(key: string, kind: Field["kind"], value: unknown, more: Partial<Field> = {}): Field {
  return {
    key,
    label: key,
    help: "",
    unit: "",
    kind,
    secret: false,
    read_only: false,
    value,
    choices: [],
    ...more,
  };
}

const group: Schemas["GroupOut"] = {
  key: "refund",
  title: "退款",
  help: "",
  version: 3,
  updated_at: null,
  updated_by: null,
  problem: null,
  tested: true,
  check: null,
  facts: [],
  fields: [
    field("speed", "number", 10),
    field("threshold_fen", "money", 1_000_050),
    field("waits", "numbers", [60, 300]),
    field("review", "switch", true),
    field("opens_at", "time", "09:00:00"),
    field("key", "text", "******", { secret: true }),
    field("folder", "text", "/data", { read_only: true }),
    field("nothing", "text", null),
  ],
};
const none = new Set<string>();

describe("a group of settings in its form", () => {
  it("shows amounts in yuan and never a secret", () => {
    expect(formOf(group)).toEqual({
      speed: "10",
      threshold_fen: "10000.5",
      waits: "60, 300",
      review: true,
      opens_at: "09:00",
      key: "",
      folder: "/data",
      nothing: "",
    });
  });

  it("is sent as a whole, without what is read only and secrets that nobody typed", () => {
    const form = { ...formOf(group), waits: "30，90 120", threshold_fen: "19.99" };
    expect(valuesOf(group, form)).toEqual({
      speed: "10",
      threshold_fen: 1999,
      waits: ["30", "90", "120"],
      review: true,
      opens_at: "09:00",
      nothing: "",
    });
    expect(valuesOf(group, { ...form, key: "typed" })).toHaveProperty("key", "typed");
  });

  it("knows what would be lost", () => {
    expect(isChanged(group, formOf(group), none)).toBe(false);
    expect(isChanged(group, { ...formOf(group), key: "typed" }, none)).toBe(true);
    expect(isChanged(group, formOf(group), new Set(["key"]))).toBe(true);
  });

  it("refuses an amount that is none before it becomes another one", () => {
    expect(amountProblems(group, formOf(group))).toEqual({});
    for (const wrong of ["", "1.999", "-1", "一百"])
      expect(Object.keys(amountProblems(group, { ...formOf(group), threshold_fen: wrong }))).toEqual([
        "threshold_fen",
      ]);
  });

  it("says how the connection was", () => {
    expect(connectionState(group).text).toBe("未测试");
    const check = {
      ok: false,
      latency_ms: 5,
      endpoint: "",
      detail: "",
      checked_at: "2026-03-01T10:00:00+08:00",
    };
    expect(connectionState({ ...group, check }).text).toBe("异常");
    expect(connectionState({ ...group, check: { ...check, ok: true } }).text).toBe("已连接");
  });
});
