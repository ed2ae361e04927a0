/** From a scan to the page that goes on: WeChat's scanner where it is, ours in a browser. */
import { t } from '@/i18n'

import { pageOf, readScanned } from './links'
import { go, say } from './page'
import { scanInWeChat } from './wechat'

/** Go where a scanned or typed text leads. False: it is nothing of ours. */
export function follow(text: string, leave: (url: string) => void = go): boolean {
  const page = pageOf(readScanned(text))
  if (page) leave(page)
  return page !== null
}

export function openScanner(): void {
  // #ifdef MP-WEIXIN
  void scanInWeChat().then((text) => {
    if (text !== null && !follow(text)) say(t('This is no code of ours. Scan the code on the counter or the card.'))
  })
  // #endif
  // #ifndef MP-WEIXIN
  go('/pages/scan/index')
  // #endif
}
