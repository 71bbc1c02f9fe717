import { expect, it } from "vitest";

import { ownPage } from "@/utils/ownPage";

it.each(["/", "/camps/c1", "/enroll/c1?from=qr#form", "/me", "/logins", `/${"a".repeat(499)}`])(
  "leads back to %s",
  (page) => {
    expect(ownPage(page)).toBe(page);
  },
);

it.each([
  "https://evil.example",
  "//evil.example",
  "///evil.example",
  "/\\evil.example",
  "\\\\evil.example",
  "/\t/evil.example",
  "/\n/evil.example",
  "/a\u0000b",
  "/a\u0085b",
  " /me",
  "me",
  "",
  "javascript:alert(1)",
  "/camps\\..\\",
  `/${"a".repeat(500)}`,
  "/login",
  "/login?to=/login",
  "/auth/callback?code=1&state=2",
  null,
  undefined,
  7,
  ["/me"],
])("leads home instead of to %j", (page) => {
  expect(ownPage(page)).toBe("/");
});
