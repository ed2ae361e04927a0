/** States of records as people call them. Labels are English keys of the translations. */

export interface State {
  label: string
  tone: '' | 'good' | 'warn' | 'bad' | 'soft'
}

const OTHER: State = { label: 'Being looked at', tone: 'soft' }

const PAYMENTS: Record<string, State> = {
  pending: { label: 'Not finished', tone: 'warn' },
  closing: { label: 'Being closed', tone: 'soft' },
  closed: { label: 'Closed', tone: 'soft' },
  paid: { label: 'Paid', tone: 'good' },
  partly_refunded: { label: 'Partly refunded', tone: 'warn' },
  refunded: { label: 'Refunded', tone: 'soft' },
}
const TOP_UPS: Record<string, State> = {
  pending: { label: 'Not paid yet', tone: 'warn' },
  closing: { label: 'Being closed', tone: 'soft' },
  closed: { label: 'Closed', tone: 'soft' },
  paid: { label: 'Waiting for the phone to be bound', tone: 'warn' },
  credited: { label: 'Topped up', tone: 'good' },
  reversed: { label: 'Reversed', tone: 'soft' },
  refunded: { label: 'Sent back', tone: 'soft' },
}
const REFUNDS: Record<string, State> = {
  processing: { label: 'On its way by WeChat', tone: 'warn' },
  succeeded: { label: 'Arrived', tone: 'good' },
  abnormal: { label: 'Held up; we are on it', tone: 'bad' },
  closed: { label: 'Asked again', tone: 'soft' },
}
const GIFTS: Record<string, State> = {
  sent: { label: 'Not taken yet', tone: 'warn' },
  claimed: { label: 'Taken', tone: 'good' },
  returned: { label: 'Returned to sender', tone: 'soft' },
  revoked: { label: 'Taken back', tone: 'soft' },
}

export const paymentState = (status: string): State => PAYMENTS[status] ?? OTHER
export const topUpState = (status: string): State => TOP_UPS[status] ?? OTHER
export const refundState = (status: string): State => REFUNDS[status] ?? OTHER
export const giftState = (status: string): State => GIFTS[status] ?? OTHER
