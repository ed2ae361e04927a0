/** A page's question to the server: loading, failed, empty, there; and lists page by page. */
import { onPullDownRefresh } from '@dcloudio/uni-app'
import { ref, shallowRef } from 'vue'

import { isGone, sentence } from '@/api/problem'
import { SignInNeeded } from '@/api/session'
import type { Page } from '@/api/types'

/** `gone`: what a link or an old list names is not there any more, so asking again is no use. */
export type Stage = 'loading' | 'ready' | 'failed' | 'gone' | 'stranger'

export function useLoad<Answer>(ask: () => Promise<Answer>) {
  const stage = ref<Stage>('loading')
  const answer = shallowRef<Answer | null>(null)
  const trouble = ref('')

  async function load(): Promise<void> {
    if (answer.value === null) stage.value = 'loading'
    try {
      answer.value = await ask()
      stage.value = 'ready'
    } catch (error) {
      trouble.value = sentence(error)
      stage.value = error instanceof SignInNeeded ? 'stranger' : answer.value !== null ? 'ready' : isGone(error) ? 'gone' : 'failed'
    }
  }
  return { stage, answer, trouble, load }
}

export function useList<Item>(ask: (cursor: string | null) => Promise<Page<Item>>) {
  const items = shallowRef<Item[]>([])
  const stage = ref<Stage>('loading')
  const trouble = ref('')
  const more = ref(false)
  let cursor: string | null = null
  let turn = 0

  async function load(next = false): Promise<void> {
    const mine = (turn += 1)
    if (!next && items.value.length === 0) stage.value = 'loading'
    try {
      const page = await ask(next ? cursor : null)
      if (mine !== turn) return // A newer question is on its way.
      items.value = next ? [...items.value, ...page.items] : page.items
      cursor = page.next_cursor
      more.value = cursor !== null
      stage.value = 'ready'
    } catch (error) {
      if (mine !== turn) return
      trouble.value = sentence(error)
      stage.value = error instanceof SignInNeeded ? 'stranger' : 'failed'
    }
  }

  function clear(): void {
    items.value = []
  }
  return { items, stage, trouble, more, load, clear }
}

export function usePullDown(load: () => Promise<unknown>): void {
  onPullDownRefresh(() => {
    void load().finally(() => uni.stopPullDownRefresh())
  })
}
