/** What the pages ask the server for, by name. */
import { moneyCall } from './money'
import { query } from './send'
import { call, openCall } from './session'
import type * as T from './types'

type Where = { lat: number; lng: number } | null

export const me = () => call<T.Profile>('GET', '/me')
export const changeMe = (body: { nickname: string }) => call<T.Profile>('PATCH', '/me', body)
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

export const stores = (where: Where, q: string, cursor: string | null) =>
  openCall<T.Page<T.Store>>(`/stores${query({ ...where, q, cursor })}`)
export const store = (id: string, where: Where) => openCall<T.Store>(`/stores/${id}${query({ ...where })}`)
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
export const signOut = () => call('DELETE', '/sessions/current')
