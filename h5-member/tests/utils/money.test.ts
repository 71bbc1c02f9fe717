import { expect, it } from "vitest";

import { price, yuan } from "@shared/money";

it.each([
  [0, "0"],
  [1, "0.01"],
  [10, "0.10"],
  [99, "0.99"],
  [100, "1"],
  [9900, "99"],
  [9905, "99.05"],
  [99_999, "999.99"],
  [100_000, "1,000"],
  [123_456_789, "1,234,567.89"],
  [-50, "-0.50"],
  [-123_456, "-1,234.56"],
])("writes %i fen as %s", (fen, text) => {
  expect(yuan(fen)).toBe(text);
});

it("puts the sign of the currency in front", () => {
  expect(price(9900)).toBe("¥99");
});

it("never loses a fen on the way through text", () => {
  for (let fen = 0; fen < 200_000; fen += 37) {
    expect(Math.round(Number(yuan(fen).replace(/,/g, "")) * 100)).toBe(fen);
  }
});
