import type { Schemas } from "@/api/client";

type Rule = Schemas["RuleOut"];

/** All or nothing, as the service words it. */
export function threshold(days: number, required: number, paidFen = 9900): Rule {
  const money = `¥${paidFen / 100}`;
  return {
    short: `${days} 天累计打卡满 ${required} 天，全额退还`,
    full: [
      `营期 ${days} 天，其中 ${days} 天计入打卡。`,
      `累计打卡满 ${required} 天，否则不退。`,
      `押金 ${money}：全额退还。`,
    ],
    examples: [
      { text: `每天打卡，退 ${money}`, days, amount_fen: paidFen },
      { text: `累计打卡 ${required - 1} 天，退 ¥0`, days: required - 1, amount_fen: 0 },
    ],
    fee_fen: 0,
  };
}

/** By days, of ¥120 of which ¥20 are a fee. */
export const PRO_RATA: Rule = {
  short: "10 天，打卡满 4 天起按天退还，每天退 10 分之一，满 10 天全退，另含服务费 ¥20 不退",
  full: [
    "营期 10 天，其中 10 天计入打卡。",
    "押金 ¥100：打卡满 4 天起按天退还，每天退 10 分之一，满 10 天全退。",
    "支付金额另含服务费 ¥20，开营后不退。",
  ],
  examples: [
    { text: "每天打卡，退 ¥100", days: 10, amount_fen: 10000 },
    { text: "累计打卡 9 天，退 ¥90", days: 9, amount_fen: 9000 },
    { text: "累计打卡 1 天，退 ¥0", days: 1, amount_fen: 0 },
  ],
  fee_fen: 2000,
};
