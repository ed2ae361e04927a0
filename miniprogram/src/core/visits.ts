/** Which pages are looked at, told to the server a few at a time. Nothing of who looks is in it. */
import { send } from '@/api/send'

const SEND_AFTER_MS = 2_000
let waiting: { path: string }[] = []
let timer: ReturnType<typeof setTimeout> | undefined

export function countVisit(path: string): void {
  waiting.push({ path })
  clearTimeout(timer)
  timer = setTimeout(tellServer, SEND_AFTER_MS)
}

function tellServer(): void {
  const items = waiting.splice(0)
  let face = 'mini'
  // #ifdef H5
  face = 'h5'
  // #endif
  // A visit that is not counted is no matter to anybody who looks.
  send({ method: 'POST', path: '/page-views', body: { face, items } }).catch(() => undefined)
}
