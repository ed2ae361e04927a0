/** What editors write: goods, solutions, articles, banners; and where their addresses lead in the app. */
import type { Cover } from '@/api/types'

import { copy, go } from './page'

export const KINDS = ['goods', 'solutions', 'articles'] as const
export type ContentKind = (typeof KINDS)[number]

const PAGES: [RegExp, (found: string[]) => string][] = [
  [/^\/(goods|solutions|articles)\/(\d+)$/, ([, kind, id]) => `/pages/content/detail?kind=${kind}&id=${id}`],
  [/^\/(goods|solutions|articles)$/, ([, kind]) => `/pages/content/index?kind=${kind}`],
  [/^\/stores\/(\d+)$/, ([, id]) => `/pages/stores/detail?id=${id}`],
  [/^\/stores$/, () => '/pages/stores/index'],
  [/^\/m\/(pages\/.+)$/, ([, page]) => `/${page}`],
]

/** The app's page for a path of the public site; null for what the app does not have. */
export function pageOfPath(path: string): string | null {
  const bare = path.replace(/(.)\/+$/, '$1')
  for (const [pattern, page] of PAGES) {
    const found = pattern.exec(bare)
    if (found) return page(found)
  }
  return null
}

/** Follow a banner: into the app where it has such a page, else out of it. */
export function followLink(address: string): void {
  const page = pageOfPath(address)
  if (page) return go(page)
  if (!address) return
  // #ifdef H5
  location.assign(address)
  // #endif
  // #ifndef H5
  copy(address.startsWith('/') ? `${__API_BASE__}${address}` : address)
  // #endif
}

/** The server says whole addresses; a browser asks the host that it has the app from. */
export function media(address: string): string {
  // #ifdef H5
  return address.replace(/^https?:\/\/[^/]+(?=\/(?:media|avatars)\/)/, location.origin)
  // #endif
  // #ifndef H5
  return address
  // #endif
}

/** A small picture for lists: 320 px wide where the large ones are 640. */
export function thumb(cover: Cover): string {
  return media(cover.url).replace(/\/640\.webp$/, '/320.webp')
}

/** An editor's text for rich-text: pictures no wider than the phone, tables within it. */
export function richText(html: string): string {
  return html
    .replace(/(<img\b[^>]*?\bsrc=")([^"]+)/g, (_, before: string, source: string) => before + media(source))
    .replace(/<(img|table)\b/g, '<$1 class="rich-$1"')
}

/** A snippet cut at the words that were found, for highlighting them. */
export function marked(text: string, marks: readonly string[]): { text: string; on: boolean }[] {
  const words = marks.filter(Boolean).map((one) => one.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  if (!words.length) return [{ text, on: false }]
  const cut = text.split(new RegExp(`(${words.join('|')})`, 'i'))
  return cut.map((part, index) => ({ text: part, on: index % 2 === 1 })).filter((part) => part.text)
}
