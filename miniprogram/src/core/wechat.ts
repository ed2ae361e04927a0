/** What WeChat does for us, or in a demo's browser its simulator: sign-in, the sheet, scanning. */
import { reactive } from 'vue'

import { Problem } from '@/api/problem'
import { call } from '@/api/session'
import type { PaymentSheet } from '@/api/types'
import { t } from '@/i18n'

const DEMO_NAME = 'kaquan.demo-name'

export type SheetEnd = 'paid' | 'cancelled'

interface DemoSheet {
  package: string
  amount_fen: number
  title: string
  done: ((end: SheetEnd) => void) | null
}

/** The demo's sheet, drawn by components/PaySheet. */
export const demoSheet = reactive<DemoSheet>({ package: '', amount_fen: 0, title: '', done: null })

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

/** Open WeChat's sheet and wait until the member has paid there or gone away. */
export function openSheet(sheet: PaymentSheet, amount_fen: number, title: string): Promise<SheetEnd> {
  // #ifdef MP-WEIXIN
  return new Promise((resolve, reject) => {
    uni.requestPayment({
      provider: 'wxpay',
      orderInfo: {},
      timeStamp: sheet.timeStamp,
      nonceStr: sheet.nonceStr,
      package: sheet.package,
      signType: sheet.signType,
      paySign: sheet.paySign,
      success: () => resolve('paid'),
      fail: ({ errMsg }) =>
        /cancel/.test(errMsg ?? '')
          ? resolve('cancelled')
          : reject(new Problem(0, 'sheet', t('WeChat Pay did not open. Please try again.'))),
    })
  })
  // #endif
  // #ifndef MP-WEIXIN
  if (!isDemo()) return Promise.reject(new Problem(0, 'sheet', t('Please open this page in WeChat to pay.')))
  return new Promise((resolve) => {
    Object.assign(demoSheet, { package: sheet.package, amount_fen, title, done: resolve })
  })
  // #endif
}

/** The member's finger on the demo's sheet. */
export async function pressDemoSheet(action: 'pay' | 'cancel'): Promise<void> {
  const { done } = demoSheet
  await call('POST', '/demo/wechat-sheet', { action, package: demoSheet.package })
  demoSheet.done = null
  done?.(action === 'pay' ? 'paid' : 'cancelled')
}

/** A scanned text; null when the member went back. Browsers have a page of their own for it. */
export function scanInWeChat(): Promise<string | null> {
  return new Promise((resolve) => {
    uni.scanCode({ success: ({ result, path }) => resolve(result || path || ''), fail: () => resolve(null) })
  })
}
