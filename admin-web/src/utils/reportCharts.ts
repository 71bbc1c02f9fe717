/** Options of the reports' charts. Rates are drawn in percent. */
import type { EChartsCoreOption } from "echarts/core";

import type { Schemas } from "@/api/client";
import { BLUE, grid, INK, legend, LINE, ORANGE, plain } from "@/utils/chartOptions";
import { percent } from "@/utils/figures";

type Camp = Schemas["CampFiguresOut"];

const COLOURS = [BLUE, ORANGE, "#2e8b57", "#8a63c7", "#5f6672"];
const RATES = {
  participation_rate: "参与率",
  completion_rate: "完成率",
  average_rate: "平均打卡率",
  joined_rate: "进群率",
  matched_rate: "匹配率",
  refund_completion_rate: "退款完成率",
} as const;

const split = { lineStyle: { color: LINE } };
const percents = {
  type: "value",
  min: 0,
  max: 100,
  axisLabel: { color: INK, formatter: "{value}%" },
  splitLine: split,
};
const hundredths = (rate: number | null) => (rate === null ? null : Math.round(rate * 1000) / 10);
const shown = (value: number | null | undefined) => percent(typeof value === "number" ? value / 100 : null);

/** Who enrolled in the camps of each month, and how many of them reached their days. */
export function enrolledByMonth(months: Schemas["MonthOut"][]): EChartsCoreOption {
  return {
    grid,
    legend,
    tooltip: { trigger: "axis", axisPointer: { type: "shadow" } },
    xAxis: { type: "category", data: months.map((one) => one.month), ...plain },
    yAxis: [
      { type: "value", name: "人", minInterval: 1, axisLabel: { color: INK }, splitLine: split },
      { ...percents, splitLine: { show: false } },
    ],
    series: [
      {
        name: "报名人数",
        type: "bar",
        color: BLUE,
        barMaxWidth: 28,
        itemStyle: { borderRadius: [3, 3, 0, 0] },
        tooltip: { valueFormatter: (count: number) => `${count} 人` },
        data: months.map((one) => one.enrolled),
      },
      {
        name: "部分退还",
        type: "bar",
        color: "#8a63c7",
        barMaxWidth: 28,
        itemStyle: { borderRadius: [3, 3, 0, 0] },
        tooltip: { valueFormatter: (count: number) => `${count} 人` },
        data: months.map((one) => one.partial),
      },
      {
        name: "完成率",
        type: "line",
        color: ORANGE,
        yAxisIndex: 1,
        symbolSize: 7,
        connectNulls: true,
        tooltip: { valueFormatter: shown },
        data: months.map((one) => hundredths(one.completion_rate)),
      },
    ],
  };
}

/** Members by days. */
export function daysChart(buckets: Schemas["DaysBucketOut"][]): EChartsCoreOption {
  return {
    grid: { ...grid, top: 16 },
    tooltip: {
      trigger: "axis",
      axisPointer: { type: "shadow" },
      valueFormatter: (count: number) => `${count} 人`,
    },
    xAxis: {
      type: "category",
      data: buckets.map(({ from_days: from, to_days: to }) => `${from === to ? to : `${from}–${to}`}天`),
      ...plain,
    },
    yAxis: { type: "value", minInterval: 1, axisLabel: { color: INK }, splitLine: split },
    series: [
      {
        name: "会员",
        type: "bar",
        color: BLUE,
        barMaxWidth: 36,
        itemStyle: { borderRadius: [3, 3, 0, 0] },
        data: buckets.map((one) => one.count),
      },
    ],
  };
}

/** A few camps, rate by rate. */
export function comparisonChart(camps: Camp[]): EChartsCoreOption {
  const rates = Object.keys(RATES) as (keyof typeof RATES)[];
  return {
    grid: { ...grid, top: 44 },
    legend: {
      ...legend,
      left: 0,
      type: "scroll",
      textStyle: { ...legend.textStyle, width: 130, overflow: "truncate" },
    },
    tooltip: { trigger: "axis", axisPointer: { type: "shadow" }, confine: true, valueFormatter: shown },
    xAxis: { type: "category", data: rates.map((rate) => RATES[rate]), ...plain },
    yAxis: percents,
    series: camps.map((camp, number) => ({
      name: camp.camp_name,
      type: "bar",
      color: COLOURS[number % COLOURS.length],
      barMaxWidth: 22,
      itemStyle: { borderRadius: [3, 3, 0, 0] },
      data: rates.map((rate) => hundredths(camp[rate])),
    })),
  };
}
