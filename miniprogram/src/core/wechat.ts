/** What WeChat does for us, or in a demo's browser its simulator: sign-in and scanning. */
import { Problem } from '@/api/problem'
import { t } from '@/i18n'

const DEMO_NAME = 'kaquan.demo-name'

export function isDemo(): boolean {
  // #ifdef H5
  return document.querySelector('meta[name="kaquan-demo"]')?.getAttribute('content') === '1'
  // #endif
  // #ifndef H5
  return false
  // #endif
}

export function isInWeChat(): boolean {
  // #ifdef MP-WEIXIN
  return true
  // #endif
  // #ifndef MP-WEIXIN
  return typeof navigator !== 'undefined' && /MicroMessenger/i.test(navigator.userAgent)
  // #endif
}

export function keepDemoName(name: string): void {
  uni.setStorageSync(DEMO_NAME, name)
}

export function dropDemoName(): void {
  uni.removeStorageSync(DEMO_NAME)
}

/** The code of a silent sign-in; null where a person has to choose first. */
export function loginCode(): Promise<string | null> {
  // #ifdef MP-WEIXIN
  return new Promise((resolve, reject) => {
    uni.login({
      provider: 'weixin',
      success: ({ code }) => resolve(code),
      fail: () => reject(new Problem(0, 'login', t('WeChat did not sign you in. Please open the page again.'))),
    })
  })
  // #endif
  // #ifndef MP-WEIXIN
  const name: unknown = uni.getStorageSync(DEMO_NAME)
  return Promise.resolve(isDemo() && typeof name === 'string' && name ? `demo-${name}` : null)
  // #endif
}

/** WeChat asks the member about these messages; gives the kinds she agreed to. A demo agrees by itself. */
export function askForNotices(offered: { kind: string; template_id: string }[]): Promise<string[]> {
  // #ifdef MP-WEIXIN
  return new Promise((resolve) => {
    uni.requestSubscribeMessage({
      tmplIds: offered.map((one) => one.template_id),
      success: (told) => {
        const answers = told as unknown as Record<string, string>
        resolve(offered.filter((one) => answers[one.template_id] === 'accept').map((one) => one.kind))
      },
      fail: () => resolve([]),
    })
  })
  // #endif
  // #ifndef MP-WEIXIN
  if (isDemo()) return Promise.resolve(offered.map((one) => one.kind))
  return Promise.reject(new Problem(0, 'notices', t('Please open the mini-program in WeChat to agree to messages.')))
  // #endif
}

/** A scanned text; null when the member went back. Browsers have a page of their own for it. */
export function scanInWeChat(): Promise<string | null> {
  return new Promise((resolve) => {
    uni.scanCode({ success: ({ result, path }) => resolve(result || path || ''), fail: () => resolve(null) })
  })
}
