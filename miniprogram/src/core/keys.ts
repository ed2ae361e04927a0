/** Idempotency keys, kept before anything is sent, so that a closed app still knows what it asked. */

export type MoneyKind = 'payment' | 'top-up' | 'code' | 'gift' | 'claim' | 'revoke'

export interface Attempt {
  key: string
  kind: MoneyKind
  path: string
  body: string
  madeAt: number
}

const SLOT = 'kaquan.attempts'
const SAME_TAP_MS = 120_000 // Later, the same sum to the same shop is another purchase.
export const SURELY_LOST_MS = 60_000

function load(): Attempt[] {
  const kept: unknown = uni.getStorageSync(SLOT)
  return Array.isArray(kept) ? (kept as Attempt[]) : []
}

function save(attempts: Attempt[]): void {
  uni.setStorageSync(SLOT, attempts)
}

export function newKey(): string {
  const part = () => Math.floor(Math.random() * 0x100000000).toString(36)
  return `m-${Date.now().toString(36)}-${part()}${part()}${part()}`
}

/** The attempt for this call: the one that is still without an answer, or a fresh one. */
export function openAttempt(kind: MoneyKind, path: string, body: object, now = Date.now()): Attempt {
  const text = JSON.stringify(body)
  const attempts = load()
  const same = attempts.find(
    (one) => one.path === path && one.body === text && now - one.madeAt < SAME_TAP_MS,
  )
  if (same) return same
  const fresh = { key: newKey(), kind, path, body: text, madeAt: now }
  save([...attempts, fresh])
  return fresh
}

/** Its answer is known: forget it. */
export function closeAttempt(key: string): void {
  save(load().filter((one) => one.key !== key))
}

export function openAttempts(): Attempt[] {
  return load()
}

/** The keys are the signed-in member's: another one must not ask with them. */
export function forgetAttempts(): void {
  save([])
}
