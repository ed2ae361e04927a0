/** An order at WeChat on its own page: paid by the sheet, and looked at until the shop knows its end. */
import { onHide, onLoad, onShow, onUnload } from '@dcloudio/uni-app'
import { ref } from 'vue'

import * as api from '@/api'
import { sentence } from '@/api/problem'
import type { PaymentSheet } from '@/api/types'
import { t } from '@/i18n'

import { useLoad } from './load'
import { openSheet } from './sheet'

/** What is paid on WeChat's sheet, in fen, and to whom or for what. */
interface Due {
  sheet: unknown
  fen: number
  title: string
}

interface Order<Answer> {
  fetch: (id: string) => Promise<Answer>
  due: (order: Answer) => Due
  hasEnded: (status: string) => boolean
  /** Whether the member's cards hold another amount by it. */
  movesBalance: (status: string) => boolean
}

const FAST_MS = 1000
const SLOW_MS = 3000
const FAST_LOOKS = 15

export function useOrder<Answer extends { status: string }>(order: Order<Answer>) {
  const id = ref('')
  const waiting = ref(false) // WeChat said paid; the shop's word is still to come.
  const busy = ref(false)
  const note = ref('')
  const balance = ref<number | null>(null)
  const { stage, answer, trouble, load } = useLoad<Answer>(() => order.fetch(id.value))
  let timer: ReturnType<typeof setTimeout> | undefined
  let looks = 0

  async function look(): Promise<void> {
    clearTimeout(timer)
    await load()
    const status = answer.value?.status ?? ''
    if (order.hasEnded(status)) {
      waiting.value = false
      if (order.movesBalance(status)) balance.value = await api.cards().then((cards) => cards.total_fen, () => null)
      return
    }
    looks += 1
    timer = setTimeout(() => void look(), looks < FAST_LOOKS ? FAST_MS : SLOW_MS)
  }

  /** One thing at a time; what goes wrong is said, and then the order is looked at again. */
  async function during(work: () => Promise<void>): Promise<void> {
    busy.value = true
    note.value = ''
    try {
      await work()
    } catch (error) {
      note.value = sentence(error)
    } finally {
      busy.value = false
      looks = 0
      await look()
    }
  }

  async function finish(): Promise<void> {
    const due = answer.value && order.due(answer.value)
    if (busy.value || !due?.sheet) return
    await during(async () => {
      const end = await openSheet(due.sheet as PaymentSheet, due.fen, due.title)
      waiting.value = end === 'paid'
      if (end === 'cancelled') note.value = t('You closed WeChat Pay without paying.')
    })
  }

  onLoad((options) => {
    id.value = String(options?.id ?? '')
    if (options?.sheet) void load().then(finish)
  })
  onShow(() => {
    looks = 0
    void look()
  })
  onHide(() => clearTimeout(timer))
  onUnload(() => clearTimeout(timer))
  return { id, stage, answer, trouble, waiting, busy, note, balance, look, finish, during }
}
