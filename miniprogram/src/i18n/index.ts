/** Words are English in the code and Chinese on the screen, unless the member chose English. */
import { ref } from 'vue'

import { zh } from './zh'

const SLOT = 'kaquan.language'
export type Language = 'zh' | 'en'

const chosen = ref<Language>(uni.getStorageSync(SLOT) === 'en' ? 'en' : 'zh')

export function language(): Language {
  return chosen.value
}

export function chooseLanguage(wanted: Language): void {
  chosen.value = wanted
  uni.setStorageSync(SLOT, wanted)
}

/** The text, with {names} filled in. */
export function t(text: string, values: Record<string, string | number> = {}): string {
  const found = chosen.value === 'zh' ? (zh[text] ?? text) : text
  return found.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole))
}
