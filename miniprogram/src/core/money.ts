/** Amounts are whole numbers of fen. Text is made and read by moving digits, never by fractions. */

export const MAX_PAYMENT_FEN = 10_000_000
const LONGEST_YUAN = 6

/** 123450 → "1,234.50"; signs stay in front. */
export function yuan(fen: number): string {
  const digits = String(Math.abs(fen)).padStart(3, '0')
  const whole = digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ',')
  return `${fen < 0 ? '-' : ''}${whole}.${digits.slice(-2)}`
}

/** As people say it: 30000 → "300", 2850 → "28.50". */
export function shortYuan(fen: number): string {
  const text = yuan(fen)
  return text.endsWith('.00') ? text.slice(0, -3) : text
}

/** With a sign, for changes of a balance: +60.00, −12.00 (a true minus). */
export function signedYuan(fen: number): string {
  return (fen < 0 ? '−' : '+') + yuan(Math.abs(fen))
}

/** "28.5" → 2850. Null for what is no amount: empty, zero, more than two decimals, too long. */
export function readYuan(text: string): number | null {
  const found = /^(\d{1,6})(?:\.(\d{0,2}))?$/.exec(text.trim())
  if (!found) return null
  const fen = parseInt(found[1] + (found[2] ?? '').padEnd(2, '0'), 10)
  return fen > 0 ? fen : null
}

/** What stands in the amount after a key of the keypad: a digit, "." or "back". */
export function pressKey(text: string, key: string): string {
  if (key === 'back') return text.slice(0, -1)
  const [whole, decimals] = text.split('.')
  if (key === '.') return decimals === undefined ? `${text || '0'}.` : text
  if (decimals !== undefined) return decimals.length < 2 ? text + key : text
  if (whole === '0') return key
  return whole.length < LONGEST_YUAN ? text + key : text
}
