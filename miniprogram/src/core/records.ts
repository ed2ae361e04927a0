/** One record as its page shows it, whatever its kind. */
import * as api from '@/api'
import type { RefundRecord, TopUpRecord } from '@/api/types'
import { t } from '@/i18n'

import { yuan } from './money'
import { paymentState, refundState, topUpState } from './states'
import type { State } from './states'
import { minute } from './times'

export interface RecordSeen {
  title: string
  amount_fen: number
  state: State
  numberLabel: string
  number: string
  facts: { label: string; text: string }[]
  refundable_fen: number
  open: string | null
}

export async function findRecord(kind: string, id: string): Promise<RecordSeen | null> {
  if (kind === 'top-up') return topUp(await find(api.topUps, id))
  if (kind === 'refund') return refund(await find(api.refunds, id))
  return payment(id)
}

/** Lists are short and newest first; a record that is opened from one stands on an early page. */
async function find<Item extends { id: string }>(
  page: (cursor: string | null) => Promise<{ items: Item[]; next_cursor: string | null }>,
  id: string,
): Promise<Item | null> {
  let cursor: string | null = null
  do {
    const found: { items: Item[]; next_cursor: string | null } = await page(cursor)
    const item = found.items.find((one) => one.id === id)
    if (item) return item
    cursor = found.next_cursor
  } while (cursor)
  return null
}

const PAID = ['paid', 'partly_refunded']

async function payment(id: string): Promise<RecordSeen> {
  const one = await api.payment(id)
  return {
    title: one.store.name,
    amount_fen: one.amount_fen,
    state: paymentState(one.status),
    numberLabel: 'Payment number',
    number: one.payment_no,
    facts: [
      { label: 'From my cards', text: `¥${yuan(one.card_fen)}` },
      ...(one.wechat_fen ? [{ label: 'By WeChat Pay', text: `¥${yuan(one.wechat_fen)}` }] : []),
      ...(one.refunded_fen ? [{ label: 'Refunded', text: `¥${yuan(one.refunded_fen)}` }] : []),
      { label: 'Time', text: minute(one.paid_at ?? one.created_at) },
    ],
    refundable_fen: PAID.includes(one.status) ? one.amount_fen - one.refunded_fen : 0,
    open: one.status === 'pending' ? `/pages/pay/result?id=${one.id}` : null,
  }
}

const CHANNELS: Record<string, string> = { wechat: 'WeChat Pay', code: 'Printed code', cash: 'Cash' }

function topUp(one: TopUpRecord | null): RecordSeen | null {
  if (!one) return null
  return {
    title: one.program,
    amount_fen: one.amount_fen + one.bonus_fen,
    state: topUpState(one.status),
    numberLabel: 'Top-up number',
    number: one.top_up_no,
    facts: [
      { label: 'Principal', text: `¥${yuan(one.amount_fen)}` },
      ...(one.bonus_fen ? [{ label: 'Bonus', text: `¥${yuan(one.bonus_fen)}` }] : []),
      { label: 'Way', text: t(CHANNELS[one.channel] ?? 'Other') },
      ...(one.store ? [{ label: 'Store', text: one.store }] : []),
      ...(one.phone_masked ? [{ label: 'For', text: one.phone_masked }] : []),
      { label: 'Time', text: minute(one.credited_at ?? one.created_at) },
    ],
    refundable_fen: 0,
    open: one.status === 'pending' && one.channel === 'wechat' ? `/pages/topup/result?id=${one.id}` : null,
  }
}

function refund(one: RefundRecord | null): RecordSeen | null {
  if (!one) return null
  return {
    title: one.store ?? t('Refund'),
    amount_fen: one.amount_fen,
    state: refundState(one.status),
    numberLabel: 'Refund number',
    number: one.refund_no,
    facts: [
      ...(one.card_fen ? [{ label: 'Back on my cards', text: `¥${yuan(one.card_fen)}` }] : []),
      ...(one.wechat_fen ? [{ label: 'Back by WeChat', text: `¥${yuan(one.wechat_fen)}` }] : []),
      ...(one.payment_no ? [{ label: 'Payment number', text: one.payment_no }] : []),
      ...(one.reason ? [{ label: 'Why', text: one.reason }] : []),
      { label: 'Time', text: minute(one.created_at) },
    ],
    refundable_fen: 0,
    open: null,
  }
}
