import { describe, expect, test } from 'vitest'

import { pressKey, readYuan, shortYuan, signedYuan, yuan } from '../src/core/money'
import { bonusOf } from '../src/core/tiers'

describe('fen and what people read and type', () => {
  test.each([[0, '0.00'], [5, '0.05'], [2850, '28.50'], [123456789, '1,234,567.89'], [-1200, '-12.00']])('%i fen read %s', (fen, text) => {
    expect(yuan(fen)).toBe(text)
  })
  test.each([['28.5', 2850], ['0.01', 1], ['100', 10000], ['7.', 700], ['999999.99', 99999999], ['0.29', 29], ['1.10', 110]])('%s is %i fen', (text, fen) => {
    expect(readYuan(text)).toBe(fen)
  })
  test.each(['', '0', '0.00', '1.234', '1e3', '-5', '1,000', '１２', 'abc', '1234567', '.5'])('%s is no amount', (text) => {
    expect(readYuan(text)).toBeNull()
  })
  test('every amount up to 200 yuan is read as it is written', () => {
    for (let fen = 1; fen <= 20000; fen += 1) expect(readYuan(yuan(fen))).toBe(fen)
  })
  test('signs and round sums', () => {
    expect([signedYuan(6000), signedYuan(-1200), shortYuan(30000), shortYuan(2850)]).toEqual(['+60.00', '−12.00', '300', '28.50'])
  })
})

describe('the keypad', () => {
  const typed = (keys: string) => [...keys].reduce((text, key) => pressKey(text, key === '<' ? 'back' : key), '')
  test.each([['28.5', '28.5'], ['28.555', '28.55'], ['.5', '0.5'], ['007', '7'], ['1..2', '1.2'], ['1234567', '123456'], ['12<', '1'], ['<', '']])('%s gives %s', (keys, text) => {
    expect(typed(keys)).toBe(text)
  })
})

test('the highest tier that is reached wins, in whatever order they stand', () => {
  const tiers = [{ threshold_fen: 30000, bonus_fen: 6000 }, { threshold_fen: 10000, bonus_fen: 1000 }]
  expect([9999, 10000, 29999, 30000, 90000].map((fen) => bonusOf(fen, tiers))).toEqual([0, 1000, 1000, 6000, 6000])
})
