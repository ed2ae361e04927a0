/** Which bonus a top-up brings: the highest tier that it reaches. The server decides; this shows. */

export interface Tier {
  threshold_fen: number
  bonus_fen: number
}

export function bonusOf(amount_fen: number, tiers: readonly Tier[]): number {
  const reached = tiers.filter((tier) => amount_fen >= tier.threshold_fen)
  const best = reached.reduce<Tier | null>((top, tier) => (top && top.threshold_fen > tier.threshold_fen ? top : tier), null)
  return best?.bonus_fen ?? 0
}
