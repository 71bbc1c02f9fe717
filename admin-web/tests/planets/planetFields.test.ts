import { describe, expect, it } from "vitest";

import { planetProblems } from "@/utils/planetFields";

describe("planetProblems", () => {
  it("asks a new planet for everything", () => {
    expect(Object.keys(planetProblems({ name: " ", group_id: "", cookie: "" }, true))).toEqual([
      "name",
      "group_id",
      "cookie",
    ]);
  });

  it("lets an existing planet keep its cookie, but no number that is none", () => {
    expect(planetProblems({ name: "写作星球", group_id: "685", cookie: "" }, false)).toEqual({});
    expect(planetProblems({ name: "写作星球", group_id: "685a", cookie: "" }, false)).toHaveProperty(
      "group_id",
    );
  });
});
