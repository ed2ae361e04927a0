/** Calls that move money: one key a wish, sent until its end is known, asked about when it is not. */
import { closeAttempt, openAttempt, openAttempts, SURELY_LOST_MS } from '@/core/keys'
import type { Attempt, MoneyKind } from '@/core/keys'
import { t } from '@/i18n'

import { isFinal, Problem } from './problem'
import { call } from './session'
import type { MoneyRequest } from './types'

const WAITS_MS = [700, 1500, 3000]
const running = new Map<string, Promise<unknown>>()

/** Send it, and again with the same key while nobody knows how it ended. A second tap joins in. */
export function moneyCall<Answer>(kind: MoneyKind, path: string, body: object): Promise<Answer> {
  const attempt = openAttempt(kind, path, body)
  const known = running.get(attempt.key)
  if (known) return known as Promise<Answer>
  const run = untilKnown<Answer>(attempt, body).finally(() => running.delete(attempt.key))
  running.set(attempt.key, run)
  return run
}

async function untilKnown<Answer>(attempt: Attempt, body: object): Promise<Answer> {
  for (const wait of [...WAITS_MS, null]) {
    try {
      const answer = await call<Answer>('POST', attempt.path, body, attempt.key)
      closeAttempt(attempt.key)
      return answer
    } catch (error) {
      if (isFinal(error)) closeAttempt(attempt.key)
      if (isFinal(error)) throw error
      if (wait === null) throw lostAnswer(error)
      await new Promise((resolve) => setTimeout(resolve, wait))
    }
  }
  throw new Error('unreachable')
}

/** The same button sends the same key again, so that pressing it is harmless. */
function lostAnswer(error: unknown): unknown {
  if (!(error instanceof Problem) || error.status !== 0) return error
  return new Problem(0, 'lost', t('The answer was lost on the way. Press the button again: it is done once only.'))
}

export interface Outcome {
  kind: MoneyKind
  answer: Record<string, unknown>
}

/** After a closed app or a lost answer: what became of each attempt that is still open? */
export async function settleAttempts(now = Date.now()): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const attempt of openAttempts()) {
    if (running.has(attempt.key)) continue
    const seen = await call<MoneyRequest>('GET', `/me/requests/${attempt.key}`)
    if (seen.status === 'done' && seen.answer) outcomes.push({ kind: attempt.kind, answer: seen.answer })
    const lost = seen.status === 'unknown' && now - attempt.madeAt > SURELY_LOST_MS
    if (seen.status === 'done' || lost) closeAttempt(attempt.key)
  }
  return outcomes
}
