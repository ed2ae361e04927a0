/** Printed codes, read as the server does (app/core/codes.py): a typing error is found here. */

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
export const CODE_LENGTH = 16

/** Luhn mod 32 over the code's own alphabet. */
export function checkCharacter(letters: string): string {
  let total = 0
  let factor = 2
  for (const letter of [...letters].reverse()) {
    const product = factor * ALPHABET.indexOf(letter)
    total += (product >> 5) + (product & 31)
    factor = 3 - factor
  }
  return ALPHABET[(32 - (total % 32)) % 32]
}

/** In one piece and of half width, whichever keyboard it comes from. */
function withoutGaps(text: string): string {
  return text.normalize('NFKC').replace(/[\s\-\u00ad\u200b-\u200f\u2010-\u2015\u2060\u2212\ufeff]/g, '')
}

/** Upper case, without spaces and dashes; O is 0, I and L are 1; an address gives its last part. */
export function bareCode(text: string): string {
  const last = withoutGaps(text).replace(/\/+$/, '').split('/').pop() ?? ''
  return last.toUpperCase().replace(/O/g, '0').replace(/[IL]/g, '1')
}

export type CodeState = 'short' | 'wrong' | 'right'

/** Whether a code is complete, and whether its check character fits. */
export function judgeCode(text: string): CodeState {
  const bare = bareCode(text)
  if ([...bare].some((letter) => !ALPHABET.includes(letter))) return 'wrong'
  if (bare.length < CODE_LENGTH) return 'short'
  if (bare.length > CODE_LENGTH) return 'wrong'
  return checkCharacter(bare.slice(0, -1)) === bare[CODE_LENGTH - 1] ? 'right' : 'wrong'
}

export function grouped(text: string): string {
  return bareCode(text).replace(/(.{4})(?=.)/g, '$1-')
}
