/** What the pages ask the server for, by name. */
import type { ContentKind } from '@/core/content'

import { moneyCall } from './money'
import { query } from './send'
import { call, openCall } from './session'
import { upload } from './upload'
import type { Picture } from './upload'
import type * as T from './types'

const FOUND_AT_ONCE = 20
const FOUND_MOST = 500

type Where = { lat: number; lng: number } | null

export const me = () => call<T.Profile>('GET', '/me')
export const changeMe = (body: { nickname: string }) => call<T.Profile>('PATCH', '/me', body)
export const changeAvatar = (picture: Picture) => upload<T.Profile>('/me/avatar', picture)
export const bindPhone = (code: string, join = false) =>
  call<T.Profile>('POST', '/me/phone', { code, join })
export const notices = () => call<T.Notices>('GET', '/me/notices')
export const agreeToNotices = (kinds: string[]) => call<T.Notices>('POST', '/me/notices', { kinds })
export const cards = () => call<T.Cards>('GET', '/me/cards')
export const activities = (cursor: string | null, card?: string) =>
  call<T.Page<T.Activity>>('GET', `/me/activities${query({ cursor, card_id: card })}`)
export const reportLost = (id: string) => call<T.Card>('POST', `/me/cards/${id}/report-lost`)
export const paymentCode = () => call<T.PaymentCode>('POST', '/me/payment-code')
export const exportMe = () => call<Record<string, unknown>>('GET', '/me/export')
export const eraseMe = (put_aside_fen: number) => call('POST', '/me/erasure', { put_aside_fen })

export const stores = (where: Where, q: string, cursor: string | null, city = '', only = { open: false, mine: false }) =>
  openCall<T.Page<T.Store>>(`/stores${query({ ...where, q, city, cursor, open_now: only.open ? 'true' : '', accepts_my_cards: only.mine ? 'true' : '' })}`)
export const cities = () => openCall<T.Page<T.City>>('/cities')
export const store = (id: string, where: Where) => openCall<T.StoreWhole>(`/stores/${id}${query({ ...where })}`)
export const payPoint = (token: string) => openCall<T.PayPoint>(`/pay-points/${encodeURIComponent(token)}`)
export const programs = () => openCall<T.Page<T.Program>>('/programs')

export const quote = (pay_point: string, amount_fen: number) =>
  call<T.Quote>('POST', '/payments/quote', { pay_point, amount_fen })
export const pay = (pay_point: string, amount_fen: number) =>
  moneyCall<T.Payment>('payment', '/payments', { pay_point, amount_fen })
export const payment = (id: string) => call<T.Payment>('GET', `/payments/${id}`)
export const closePayment = (id: string) => call<T.Payment>('POST', `/payments/${id}/close`)
export const payments = (cursor: string | null, status?: string) =>
  call<T.Page<T.Payment>>('GET', `/me/payments${query({ cursor, status })}`)
export const refundRequests = (id: string) =>
  call<T.Page<T.RefundRequest>>('GET', `/payments/${id}/refund-requests`)
export const askForRefund = (id: string, amount_fen: number, reason: string) =>
  call<T.RefundRequest>('POST', `/payments/${id}/refund-requests`, { amount_fen, reason })
export const refunds = (cursor: string | null) =>
  call<T.Page<T.RefundRecord>>('GET', `/me/refunds${query({ cursor })}`)

export const recipient = (phone: string) => call<T.Recipient>('POST', '/recipients/lookup', { phone })
export const topUp = (body: { amount_fen: number; phone?: string; program_id?: string }) =>
  moneyCall<T.TopUp>('top-up', '/top-ups', body)
export const oneTopUp = (id: string) => call<T.TopUp>('GET', `/top-ups/${id}`)
export const topUps = (cursor: string | null) => call<T.Page<T.TopUpRecord>>('GET', `/me/top-ups${query({ cursor })}`)
export const redeemCode = (code: string) => moneyCall<T.CodeTopUp>('code', '/top-ups/redeem-code', { code })

export const sendGift = (body: { amount_fen: number; message: string; cover: string; card_id?: string }) =>
  moneyCall<T.Gift>('gift', '/gifts', body)
export const giftPreview = (token: string) => openCall<T.GiftPreview>(`/gifts/${encodeURIComponent(token)}/preview`)
export const claimGift = (claim_token: string) => moneyCall<T.Gift>('claim', '/gifts/claim', { claim_token })
export const revokeGift = (id: string) => moneyCall<T.Gift>('revoke', `/gifts/${id}/revoke`, {})
export const gifts = (box: 'sent' | 'received', cursor: string | null) =>
  call<T.Page<T.Gift>>('GET', `/me/gifts${query({ box, cursor })}`)
export const banners = () => openCall<T.Page<T.Banner>>('/banners')

export const blocks = () => openCall<T.Page<T.Block>>('/blocks')
export const contents = (kind: ContentKind, cursor: string | null, limit = 20) =>
  openCall<T.Page<T.Content>>(`/${kind}${query({ cursor, limit })}`)
export const content = (kind: ContentKind, id: string) => openCall<T.ContentWhole>(`/${kind}/${encodeURIComponent(id)}`)
export const suggestions = (q: string) => openCall<T.Suggestions>(`/search/suggestions${query({ q })}`)

/** Search goes on by how many were seen, so its cursor is that number. */
export async function search(q: string, type: string, where: Where, cursor: string | null): Promise<T.Page<T.Found>> {
  const seen = Number(cursor ?? 0)
  const page = await openCall<{ items: T.Found[]; total: number }>(`/search${query({ q, type, ...where, offset: seen, limit: FOUND_AT_ONCE })}`)
  const next = seen + page.items.length
  return { items: page.items, next_cursor: page.items.length && next < Math.min(page.total, FOUND_MOST) ? String(next) : null }
}
export const signOut = () => call('DELETE', '/sessions/current')
