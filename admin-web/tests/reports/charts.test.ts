import { describe, expect, it } from "vitest";

import type { Schemas } from "@/api/client";
import { incomeByMonth } from "@/utils/chartOptions";
import { comparisonChart, daysChart, enrolledByMonth } from "@/utils/reportCharts";

const month = (values: Partial<Schemas["MonthOut"]>) =>
  ({
    month: "2026-02",
    enrolled: 0,
    partial: 0,
    completion_rate: null,
    income_fen: 0,
    refunded_fen: 0,
    ...values,
  }) as Schemas["MonthOut"];
const series = (option: unknown) => (option as { series: { name: string; data: unknown[] }[] }).series;

describe("charts of reports", () => {
  it("leaves a gap where there is nothing to divide by, not a zero", () => {
    const [, partial, rate] = series(
      enrolledByMonth([month({}), month({ enrolled: 3, partial: 1, completion_rate: 2 / 3 })]),
    );
    expect(rate?.data).toEqual([null, 66.7]);
    expect(partial?.data).toEqual([0, 1]);
    const [camp] = series(
      comparisonChart([
        { camp_name: "甲", completion_rate: 0.5, participation_rate: null } as Schemas["CampFiguresOut"],
      ]),
    );
    expect(camp?.data.slice(0, 2)).toEqual([null, 50]);
  });

  it("draws fen in yuan", () => {
    const [income, refunded] = series(incomeByMonth([month({ income_fen: 9900, refunded_fen: 4950 })]));
    expect([income?.data, refunded?.data]).toEqual([[99], [49.5]]);
  });

  it("names buckets of one day by that day", () => {
    const option = daysChart([
      { from_days: 0, to_days: 5, count: 2 },
      { from_days: 6, to_days: 6, count: 1 },
    ]);
    expect((option.xAxis as { data: string[] }).data).toEqual(["0–5天", "6天"]);
  });
});
