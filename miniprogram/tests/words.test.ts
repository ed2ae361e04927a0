import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

import { zh } from '../src/i18n/zh'
import { account } from '../src/i18n/zh/account'
import { gifts } from '../src/i18n/zh/gifts'
import { money } from '../src/i18n/zh/money'
import { places } from '../src/i18n/zh/places'
import { shared } from '../src/i18n/zh/shared'

const SRC = join(__dirname, '../src')
const files = (readdirSync(SRC, { recursive: true }) as string[]).filter((name) => /\.(vue|ts)$/.test(name) && !/^i18n.zh|\.d\.ts$/.test(name))
const text = files.map((name) => readFileSync(join(SRC, name), 'utf8').replace(/^\s*(\/\/|\/\*\*|\*).*$/gm, '')).join('\n')
const literals = new Set([...text.matchAll(/'((?:[^'\\\n]|\\.)*)'/g)].map((found) => found[1]))

test('every text that is translated by name has its Chinese', () => {
  const named = [...text.matchAll(/\bt\('((?:[^'\\\n]|\\.)+)'/g)].map((found) => found[1])
  expect(named.filter((one) => !(one in zh))).toEqual([])
  expect(named.length).toBeGreaterThan(250)
})
test('every label, title and text of a list has its Chinese', () => {
  const listed = [...text.matchAll(/\b(?:label|title|text|numberLabel): '([A-Z][^'\n]*)'/g)].map((found) => found[1])
  expect(listed.filter((one) => !(one in zh) && one !== 'English')).toEqual([])
})
test('no Chinese is left over that nobody says', () => {
  // Keys without quotes are words like Pay, which stand in a literal all the same.
  expect(Object.keys(zh).filter((one) => !literals.has(one))).toEqual([])
})
test('no text stands in two of its files', () => {
  const texts = [account, gifts, money, places, shared].flatMap(Object.keys)
  expect(texts.length).toBe(new Set(texts).size)
  expect(texts.length).toBe(Object.keys(zh).length)
})
test('what is filled in is the same in both languages', () => {
  const names = (one: string) => [...one.matchAll(/\{\w+\}/g)].map(String).sort().join()
  expect(Object.entries(zh).filter(([english, chinese]) => names(english) !== names(chinese))).toEqual([])
})
test('no word of licensed payment accounts', () => {
  expect(Object.values(zh).filter((one) => /钱包|零钱|提现|优惠券/.test(one))).toEqual([])
})
