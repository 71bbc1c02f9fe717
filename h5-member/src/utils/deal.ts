/** A deal before it is paid for: what may come back, what doesn't, in the service's words and figures. */
import type { Schemas } from "@/api/client";
import { price } from "@shared/money";

type Offer = Pick<Schemas["CampOut"], "deposit_fen" | "rule">;

/** The part of the price that may come back: `deposit_fen` of a camp is all that is paid, the fee included. */
export function depositOf({ deposit_fen, rule }: Offer): number {
  return deposit_fen - rule.fee_fen;
}

/**
 * What somebody risks. Only of all or nothing it is said that nothing comes back; of the rest the examples don't show
 * the least, and less must not be feared than can happen.
 */
export function lossOf(offer: Offer): string {
  const deposit = depositOf(offer);
  const amounts = offer.rule.examples.map((example) => example.amount_fen);
  const money = `押金 ${price(deposit)}`;
  if (amounts.length === 0) return `${money} 能否退还以规则为准`;
  return amounts.every((fen) => fen === 0 || fen === deposit)
    ? `未达到要求，${money} 不退还`
    : `未达到要求，${money} 会少退或不退`;
}

/** Null where nothing is kept. */
export function feeLine({ rule }: Pick<Offer, "rule">): string | null {
  return rule.fee_fen > 0 ? `服务费 ${price(rule.fee_fen)}，开营后不退` : null;
}
