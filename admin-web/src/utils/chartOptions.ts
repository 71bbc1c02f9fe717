/** Options of the console's charts. Amounts come in fen and are drawn in yuan. */
import type { EChartsCoreOption } from "echarts/core";

import { price } from "@shared/money";
import { monthDay } from "@shared/time";

import type { Schemas } from "@/api/client";

export const BLUE = "#1767c2";
export const ORANGE = "#d9822b";
export const LINE = "#e4e7ed";
export const INK = "#5f6672";

export const plain = {
  axisLine: { lineStyle: { color: LINE } },
  axisTick: { show: false },
  axisLabel: { color: INK },
};
export const grid = { left: 8, right: 16, top: 36, bottom: 4, containLabel: true };

export const legend = { right: 0, top: 0, textStyle: { color: INK }, icon: "roundRect" };

/** Money in and out, period by period. */
function moneyChart(moved: { name: string; paid: number; refunded: number }[]): EChartsCoreOption {
  const bars = (name: string, color: string, fen: number[]) => ({
    name,
    type: "bar",
    color,
    barMaxWidth: 20,
    itemStyle: { borderRadius: [3, 3, 0, 0] },
    data: fen.map((one) => one / 100),
  });
  return {
    grid,
    legend,
    tooltip: {
      trigger: "axis",
      axisPointer: { type: "shadow" },
      valueFormatter: (yuan: number) => price(Math.round(yuan * 100)),
    },
    xAxis: { type: "category", data: moved.map((one) => one.name), ...plain },
    yAxis: {
      type: "value",
      name: "元",
      splitLine: { lineStyle: { color: LINE } },
      axisLabel: { color: INK },
    },
    series: [
      bars(
        "押金收入",
        BLUE,
        moved.map((one) => one.paid),
      ),
      bars(
        "退款",
        ORANGE,
        moved.map((one) => one.refunded),
      ),
    ],
  };
}

export function incomeChart(income: Schemas["IncomeOut"][]): EChartsCoreOption {
  return moneyChart(
    income.map((day) => ({ name: monthDay(day.day), paid: day.paid_fen, refunded: day.refunded_fen })),
  );
}

export function incomeByMonth(months: Schemas["MonthOut"][]): EChartsCoreOption {
  return moneyChart(
    months.map((one) => ({ name: one.month, paid: one.income_fen, refunded: one.refunded_fen })),
  );
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
