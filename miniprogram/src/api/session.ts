/** Who is signed in. Signing in is silent where WeChat is at hand, and happens when it is needed. */
import { reactive } from 'vue'

import { forgetAttempts } from '@/core/keys'
import { keepState, takeState } from '@/core/official'
import { loginCode } from '@/core/wechat'
import { t } from '@/i18n'

import { Problem } from './problem'
import { send } from './send'
import type { Method } from './send'
import type { Profile, SignedIn } from './types'

const SLOT = 'kaquan.session'
const READS_AGAIN_AFTER_MS = [400, 1200]

interface Kept {
  token: string
  expires_at: string
}

export const session = reactive<{ token: string; member: Profile | null }>({
  token: (uni.getStorageSync(SLOT) as Partial<Kept>).token ?? '',
  member: null,
})

let signingIn: Promise<void> | null = null

export class SignInNeeded extends Error {}

export function keepSession(signedIn: SignedIn): void {
  session.token = signedIn.access_token
  session.member = signedIn.member
  uni.setStorageSync(SLOT, { token: signedIn.access_token, expires_at: signedIn.expires_at })
}

export function dropSession(): void {
  session.token = ''
  session.member = null
  uni.removeStorageSync(SLOT)
  forgetAttempts()
}

export async function signInWith(code: string): Promise<void> {
  keepSession(await send<SignedIn>({ method: 'POST', path: '/sessions', body: { code } }))
}

/** In the official account's browser: WeChat says who it is and sends the browser back here. */
export async function departToWeChat(page: string): Promise<void> {
  const state = keepState()
  const { url } = await send<{ url: string }>({
    method: 'GET',
    path: `/sessions/official-account?page=${encodeURIComponent(page)}&state=${state}`,
  })
  location.assign(url)
}

/** Back from WeChat. A way back that this browser did not begin signs nobody in. */
export async function returnFromWeChat(code: string, state: string): Promise<void> {
  if (!state || state !== takeState()) throw new Problem(0, 'state', t('This sign-in was not begun here. Please begin again.'))
  keepSession(await send<SignedIn>({ method: 'POST', path: '/sessions/official-account', body: { code } }))
}

/** One sign-in for all calls that wait for it. */
export function signIn(): Promise<void> {
  signingIn ??= trySignIn().finally(() => {
    signingIn = null
  })
  return signingIn
}

async function trySignIn(): Promise<void> {
  const code = await loginCode()
  if (!code) throw new SignInNeeded()
  await signInWith(code)
}

/** A call as the member. A token that ran out is renewed once; reads are tried again by themselves. */
export async function call<Answer>(method: Method, path: string, body?: object, key?: string): Promise<Answer> {
  if (!session.token) await signIn()
  const sent = { method, path, body, key }
  const used = session.token
  try {
    return await patient<Answer>(() => send<Answer>({ ...sent, token: used }), method)
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'unauthenticated') throw error
    if (session.token === used) await renew() // Else another call has done it meanwhile.
    return send<Answer>({ ...sent, token: session.token })
  }
}

/** The same for calls that are no JSON, such as an upload. */
export async function withToken<Answer>(use: (token: string) => Promise<Answer>): Promise<Answer> {
  if (!session.token) await signIn()
  const used = session.token
  try {
    return await use(used)
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'unauthenticated') throw error
    if (session.token === used) await renew()
    return use(session.token)
  }
}

/** Whoever cannot be signed in silently is a stranger from now on; without a network she stays. */
function renew(): Promise<void> {
  return signIn().catch((reason: unknown) => {
    if (reason instanceof SignInNeeded) dropSession()
    throw reason
  })
}

/** A call that needs nobody; whoever is signed in is told along. */
export function openCall<Answer>(path: string): Promise<Answer> {
  return patient<Answer>(() => send<Answer>({ method: 'GET', path, token: session.token || undefined }), 'GET')
}

async function patient<Answer>(attempt: () => Promise<Answer>, method: Method): Promise<Answer> {
  if (method !== 'GET') return attempt()
  for (const wait of READS_AGAIN_AFTER_MS) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof Problem) || !error.unclear || error.status === 429) throw error
      await new Promise((resolve) => setTimeout(resolve, wait))
    }
  }
  return attempt()
}
