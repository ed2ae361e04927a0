import { expect, test } from 'vitest'

import { code128, qrPicture } from '../src/core/barcode'

test('Code 128 C: start, pairs, check and stop have the widths of the standard', () => {
  // 12 34 → check (105 + 12 + 2·34) mod 103 = 82.
  expect(code128('1234').join('')).toBe('211232' + '112232' + '131123' + '121241' + '2331112')
})
test('a payment code has 134 modules and ends in a bar', () => {
  const widths = code128('281234567890123456')
  expect(widths.reduce((sum, width) => sum + width, 0)).toBe(11 * 11 + 13)
  expect(widths.length % 2).toBe(1)
})
test('what cannot be told in pairs is refused', () => {
  expect(() => code128('123')).toThrow()
})
test('a QR code is a picture that needs nobody', () => {
  expect(decodeURIComponent(qrPicture('https://k.example.cn/g/x'))).toMatch(/^data:image\/svg\+xml,<svg .*<\/svg>$/)
})
