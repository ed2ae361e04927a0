/** What the app remembers while its browser is at WeChat: the state that must come back, and where it was. */
const STATE = 'kaquan.wechat-state'
const WANTED = 'kaquan.wechat-wanted'

/** A fresh state, good for one return. */
export function keepState(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  const state = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  sessionStorage.setItem(STATE, state)
  return state
}

export function takeState(): string | null {
  const state = sessionStorage.getItem(STATE)
  sessionStorage.removeItem(STATE)
  return state
}

export function keepWanted(page: string): void {
  sessionStorage.setItem(WANTED, page)
}

/** Where the member was before; null when she came by herself. */
export function takeWanted(): string | null {
  const page = sessionStorage.getItem(WANTED)
  sessionStorage.removeItem(WANTED)
  return page
}
