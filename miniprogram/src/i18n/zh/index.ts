/** Chinese for the English in the code, by what it is about. tests/words.test.ts finds what is missing or left over. */
import { account } from './account'
import { gifts } from './gifts'
import { money } from './money'
import { places } from './places'
import { shared } from './shared'

export const zh: Record<string, string> = { ...account, ...gifts, ...money, ...places, ...shared }
