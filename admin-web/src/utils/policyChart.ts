/** The chart of what each number of days brings back. Amounts come in fen and are drawn in yuan. */
import type { EChartsCoreOption } from "echarts/core";

import { price } from "@shared/money";

import type { Schemas } from "@/api/client";
import { BLUE, grid, INK, LINE, plain } from "@/utils/chartOptions";

export function amountsChart(steps: readonly Schemas["StepOut"][]): EChartsCoreOption {
  return {
    grid: { ...grid, top: 16 },
    tooltip: {
      trigger: "axis",
      axisPointer: { type: "shadow" },
      confine: true,
      valueFormatter: (yuan: number) => price(Math.round(yuan * 100)),
    },
    xAxis: { type: "category", data: steps.map((step) => `${step.days}天`), ...plain },
    yAxis: {
      type: "value",
      splitNumber: 3,
      axisLabel: { color: INK, formatter: "¥{value}" },
      splitLine: { lineStyle: { color: LINE } },
    },
    series: [
      {
        name: "退还",
        type: "bar",
        color: BLUE,
        barMaxWidth: 18,
        itemStyle: { borderRadius: [2, 2, 0, 0] },
        data: steps.map((step) => step.amount_fen / 100),
      },
    ],
  };
}
