import { expect, test } from 'vitest'

import { bareCode, checkCharacter, grouped, judgeCode } from '../src/core/codes'
import { pageOf, readScanned } from '../src/core/links'

// Made by app/core/codes.py: both sides must agree on every one.
const MADE: string[] = ['0BP1CQ2DR3ES4FTJ', '5GV6HW7JX8KY9MZX', 'AN0BP1CQ2DR3ES4D', 'FT5GV6HW7JX8KY9R', 'MZAN0BP1CQ2DR3E6', 'S4FT5GV6HW7JX8KH', 'Y9MZAN0BP1CQ2DRZ', '3ES4FT5GV6HW7JXC', '8KY9MZAN0BP1CQ2T', 'DR3ES4FT5GV6HW77', 'JX8KY9MZAN0BP1CK', 'Q2DR3ES4FT5GV6H0']

test('codes of the server are right here, too', () => {
  expect(MADE.map(judgeCode)).toEqual(MADE.map(() => 'right'))
})
test('every single wrong character is found', () => {
  const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
  for (const code of MADE) {
    for (let place = 0; place < code.length; place += 1) {
      for (const letter of alphabet) {
        if (letter !== code[place]) expect(judgeCode(code.slice(0, place) + letter + code.slice(place + 1))).toBe('wrong')
      }
    }
  }
})
test('case, spaces, dashes and look-alikes do not matter', () => {
  expect(bareCode(' oil0-abcd ')).toBe('0110ABCD')
  expect(judgeCode(grouped(MADE[3]).toLowerCase())).toBe('right')
  expect(checkCharacter('000000000000000')).toBe('0')
  expect(bareCode('ｏｉｌ０－ＡＢＣＤ　——ef\u00a0gh\u200b')).toBe('0110ABCDEFGH')
})
test('an unfinished code is no error yet', () => {
  expect([judgeCode(''), judgeCode('AB'), judgeCode('AB!')]).toEqual(['short', 'short', 'wrong'])
})

test.each([
  ['https://k.example.cn/q/si3NDsRtfrmA2AP97zT7-w', '/pages/pay/index?point=si3NDsRtfrmA2AP97zT7-w'],
  ['https://k.example.cn/g/abcd1234?from=x', '/pages/gift/open?token=abcd1234'],
  ['https://k.example.cn/t/0000-0000-0000-0000', '/pages/topup/code?code=0000000000000000'],
  ['https://k.example.cn/v/0000000000000000/', '/pages/landing/index?v=0000000000000000'],
  ['0000000000000000', '/pages/topup/code?code=0000000000000000'],
  ['https://evil.example/pay', null],
  ['https://k.example.cn/q/../../x y', null],
])('%s leads to %s', (text, page) => {
  expect(pageOf(readScanned(text))).toBe(page)
})
