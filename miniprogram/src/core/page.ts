/** What every page does: its title in the member's language, large text, going on, asking first. */
import { onShow } from '@dcloudio/uni-app'
import { computed, ref } from 'vue'

import { sentence } from '@/api/problem'
import { session, SignInNeeded } from '@/api/session'
import { language, t } from '@/i18n'

const LARGE = 'kaquan.large-text'
const large = ref(uni.getStorageSync(LARGE) === true)
const TABS = ['pages/home/index', 'pages/cards/index', 'pages/stores/index', 'pages/me/index']
const TAB_NAMES = () => [t('Home'), t('My cards'), t('Stores'), t('Me')]

export function usePage(title: () => string) {
  onShow(() => {
    if (title()) uni.setNavigationBarTitle({ title: title() })
    // #ifdef H5
    document.documentElement.lang = language() === 'en' ? 'en' : 'zh-CN'
    // #endif
    if (TABS.includes(currentRoute())) TAB_NAMES().forEach((text, index) => uni.setTabBarItem({ index, text }))
  })
  const theme = computed(() => ['page', large.value ? 'large' : '', language() === 'en' ? 'en' : ''])
  return { theme, t }
}

export function isLarge(): boolean {
  return large.value
}

export function setLarge(on: boolean): void {
  large.value = on
  uni.setStorageSync(LARGE, on)
}

export function currentRoute(): string {
  const pages = getCurrentPages()
  return pages[pages.length - 1]?.route ?? ''
}

export function go(url: string): void {
  if (TABS.some((tab) => url === `/${tab}`)) uni.switchTab({ url })
  else uni.navigateTo({ url })
}

export function replace(url: string): void {
  uni.redirectTo({ url })
}

/** Back where one came from; a page that was opened by a link has nothing behind it. */
export function back(): void {
  if (getCurrentPages().length > 1) uni.navigateBack()
  else uni.switchTab({ url: '/pages/home/index' })
}

export function home(): void {
  uni.switchTab({ url: '/pages/home/index' })
}

export function say(text: string): void {
  uni.showToast({ title: text, icon: 'none', duration: 2600 })
}

/** Say what went wrong; whoever must sign in first is led there and comes back. */
export function tell(error: unknown): void {
  if (error instanceof SignInNeeded) go('/pages/signin/index')
  else say(sentence(error))
}

export function ask(title: string, content: string, confirmText: string): Promise<boolean> {
  return new Promise((resolve) => {
    uni.showModal({
      title,
      content,
      confirmText,
      confirmColor: '#0b8a70',
      cancelText: t('Not now'),
      success: ({ confirm }) => resolve(confirm),
      fail: () => resolve(false),
    })
  })
}

export function copy(text: string): void {
  uni.setClipboardData({ data: text, showToast: false, success: () => say(t('Copied')) })
}

export const signedIn = computed(() => session.token !== '')
