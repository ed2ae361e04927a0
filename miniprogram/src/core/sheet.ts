/** WeChat's payment sheet, or the one of a demo in a browser without WeChat. */
import { reactive } from 'vue'

import { Problem } from '@/api/problem'
import { call } from '@/api/session'
import type { PaymentSheet } from '@/api/types'
import { t } from '@/i18n'

import { isDemo, isInWeChat } from './wechat'

export type SheetEnd = 'paid' | 'cancelled'

interface DemoSheet {
  package: string
  amount_fen: number
  title: string
  done: ((end: SheetEnd) => void) | null
}

/** The demo's sheet, drawn by components/PaySheet. */
export const demoSheet = reactive<DemoSheet>({ package: '', amount_fen: 0, title: '', done: null })

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
          : reject(new Problem(0, 'sheet', t('WeChat Pay did not open. Please finish where you began, or give up and pay again here.'))),
    })
  })
  // #endif
  // #ifndef MP-WEIXIN
  if (isInWeChat() && bridge()) return openBridge(sheet)
  if (!isDemo()) return Promise.reject(new Problem(0, 'sheet', t('Please open this page in WeChat to pay.')))
  return new Promise((resolve) => {
    Object.assign(demoSheet, { package: sheet.package, amount_fen, title, done: resolve })
  })
  // #endif
}

// #ifdef H5
interface Bridge {
  invoke(name: string, sheet: object, done: (told: { err_msg: string }) => void): void
}

const bridge = () => (window as unknown as { WeixinJSBridge?: Bridge }).WeixinJSBridge

/** WeChat's own sheet in the official account's browser: the order is that account's. */
function openBridge(sheet: PaymentSheet): Promise<SheetEnd> {
  const { appId, timeStamp, nonceStr, package: order, signType, paySign } = sheet
  return new Promise((resolve, reject) => {
    bridge()?.invoke('getBrandWCPayRequest', { appId, timeStamp, nonceStr, package: order, signType, paySign }, ({ err_msg }) => {
      if (err_msg === 'get_brand_wcpay_request:ok') resolve('paid')
      else if (err_msg === 'get_brand_wcpay_request:cancel') resolve('cancelled')
      else reject(new Problem(0, 'sheet', t('WeChat Pay did not open. Please finish where you began, or give up and pay again here.')))
    })
  })
}
// #endif

/** The member's finger on the demo's sheet. */
export async function pressDemoSheet(action: 'pay' | 'cancel'): Promise<void> {
  const { done } = demoSheet
  await call('POST', '/demo/wechat-sheet', { action, package: demoSheet.package })
  demoSheet.done = null
  done?.(action === 'pay' ? 'paid' : 'cancelled')
}
