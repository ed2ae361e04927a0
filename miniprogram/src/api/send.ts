/** One HTTP call: JSON in, JSON out, refusals as Problem. Nothing here signs in or tries again. */
import { language } from '@/i18n'

import { networkProblem, problemOf } from './problem'

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH'

export interface Call {
  method: Method
  path: string
  body?: object
  token?: string
  key?: string
}

const TIMEOUT_MS = 30_000 // The server answers within 25 s, even when WeChat hangs.

export function send<Answer>(call: Call): Promise<Answer> {
  const header: Record<string, string> = { 'Accept-Language': language() === 'en' ? 'en' : 'zh' }
  if (call.token) header.Authorization = `Bearer ${call.token}`
  if (call.key) header['Idempotency-Key'] = call.key
  if (call.method !== 'GET') header['Content-Type'] = 'application/json'
  return new Promise((resolve, reject) => {
    uni.request({
      url: `${__API_BASE__}/api/v1${call.path}`,
      method: call.method as 'GET',
      data: call.method === 'GET' ? undefined : JSON.stringify(call.body ?? {}),
      header,
      timeout: TIMEOUT_MS,
      success: ({ statusCode, data }) => {
        if (statusCode >= 200 && statusCode < 300) resolve(data as Answer)
        else reject(statusCode ? problemOf(statusCode, parsed(data)) : networkProblem())
      },
      fail: () => reject(networkProblem()),
    })
  })
}

/** The mini-program parses application/json only, and a problem is application/problem+json. */
function parsed(data: unknown): unknown {
  if (typeof data !== 'string') return data
  try {
    return JSON.parse(data)
  } catch {
    return null
  }
}

export function query(values: Record<string, string | number | null | undefined>): string {
  const pairs = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== '')
  const text = pairs.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&')
  return text && `?${text}`
}
