/** What the server refuses, and what never reached it. */
import { t } from '@/i18n'

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly extra: Record<string, unknown> = {},
  ) {
    super(detail)
  }

  /** Whether the same call, sent again, could end otherwise or has ended unseen. */
  get unclear(): boolean {
    return this.status === 0 || this.status >= 500 || this.status === 429 || this.code === 'request_in_progress'
  }
}

export function networkProblem(): Problem {
  return new Problem(0, 'network', t('No connection. Check the network and try again.'))
}

/** WeChat said a clear no, so nothing of it is unclear although it is a 5xx. */
const DECIDED = new Set(['wechat_refused'])

export function isFinal(error: unknown): boolean {
  return error instanceof Problem && (!error.unclear || DECIDED.has(error.code))
}

export function isGone(error: unknown): boolean {
  return error instanceof Problem && error.status === 404
}

/** What a person reads. The server says it in her language; what it cannot say is said here. */
export function sentence(error: unknown): string {
  if (error instanceof Problem) {
    const fields = error.extra.errors as Record<string, string[]> | undefined
    const first = fields && Object.values(fields)[0]
    return Array.isArray(first) ? String(first[0]) : error.message
  }
  return t('Something went wrong here. Please try again.')
}

export function problemOf(status: number, body: unknown): Problem {
  const told = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  const detail = typeof told.detail === 'string' ? told.detail : t('The service is busy. Please try again in a moment.')
  return new Problem(status, typeof told.code === 'string' ? told.code : 'unknown', detail, told)
}
