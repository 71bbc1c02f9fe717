/** Options of the console's charts. Amounts come in fen and are drawn in yuan. */
import type { EChartsCoreOption } from "echarts/core";

import { price } from "@shared/money";
import { monthDay } from "@shared/time";

import type { Schemas } from "@/api/client";

const BLUE = "#1767c2";
const ORANGE = "#d9822b";
const LINE = "#e4e7ed";
const INK = "#5f6672";

const plain = {
  axisLine: { lineStyle: { color: LINE } },
  axisTick: { show: false },
  axisLabel: { color: INK },
};
const grid = { left: 8, right: 16, top: 36, bottom: 4, containLabel: true };

/** Money in and out per day. */
export function incomeChart(income: Schemas["IncomeOut"][]): EChartsCoreOption {
  const bars = (name: string, color: string, read: (day: Schemas["IncomeOut"]) => number) => ({
    name,
    type: "bar",
    color,
    barMaxWidth: 20,
    itemStyle: { borderRadius: [3, 3, 0, 0] },
    data: income.map((day) => read(day) / 100),
  });
  return {
    grid,
    legend: { right: 0, top: 0, textStyle: { color: INK }, icon: "roundRect" },
    tooltip: {
      trigger: "axis",
      axisPointer: { type: "shadow" },
      valueFormatter: (yuan: number) => price(Math.round(yuan * 100)),
    },
    xAxis: { type: "category", data: income.map((one) => monthDay(one.day)), ...plain },
    yAxis: {
      type: "value",
      name: "元",
      splitLine: { lineStyle: { color: LINE } },
      axisLabel: { color: INK },
    },
    series: [bars("押金收入", BLUE, (day) => day.paid_fen), bars("退款", ORANGE, (day) => day.refunded_fen)],
  };
}

/** How many members posted on each day. */
export function trendChart(days: Schemas["DayOut"][]): EChartsCoreOption {
  return {
    grid: { ...grid, top: 20 },
    tooltip: {
      trigger: "axis",
      axisPointer: { type: "shadow" },
      valueFormatter: (count: number) => `${count} 人`,
    },
    xAxis: { type: "category", data: days.map((one) => monthDay(one.day)), ...plain },
    yAxis: { type: "value", minInterval: 1, splitLine: { lineStyle: { color: LINE } } },
    series: [
      {
        name: "打卡人数",
        type: "bar",
        color: BLUE,
        barMaxWidth: 28,
        itemStyle: { borderRadius: [3, 3, 0, 0] },
        cursor: "pointer",
        data: days.map((one) => one.posted),
      },
    ],
  };
}
