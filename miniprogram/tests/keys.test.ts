import { beforeEach, expect, test, vi } from 'vitest'

import { closeAttempt, openAttempt, openAttempts } from '../src/core/keys'

beforeEach(() => uni.clearStorageSync())

const PAY = { pay_point: 'p', amount_fen: 2000 }

test('a key is kept before anything is sent, and a second tap has the same one', () => {
  const first = openAttempt('payment', '/payments', PAY, 1000)
  expect(openAttempts()).toEqual([first])
  expect(openAttempt('payment', '/payments', { ...PAY }, 3000).key).toBe(first.key)
})
test('another sum is another payment', () => {
  const first = openAttempt('payment', '/payments', PAY, 1000)
  expect(openAttempt('payment', '/payments', { ...PAY, amount_fen: 1 }, 1000).key).not.toBe(first.key)
})
test('the same sum some minutes later is another purchase, even if the first was never answered', () => {
  const first = openAttempt('payment', '/payments', PAY, 1000)
  expect(openAttempt('payment', '/payments', PAY, 200_000).key).not.toBe(first.key)
  expect(openAttempts()).toHaveLength(2)
})
test('an answered attempt is forgotten: the next tap pays again', () => {
  const first = openAttempt('payment', '/payments', PAY, 1000)
  closeAttempt(first.key)
  expect(openAttempt('payment', '/payments', PAY, 1001).key).not.toBe(first.key)
})
test('attempts outlive the app', async () => {
  const first = openAttempt('gift', '/gifts', { amount_fen: 1 }, 1000)
  vi.resetModules()
  const again = await import('../src/core/keys')
  expect(again.openAttempts()).toEqual([first])
})
