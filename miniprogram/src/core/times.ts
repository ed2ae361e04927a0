/** Instants come with +08:00, and the business is on that clock wherever the phone is. */

const OFFSET_MS = 8 * 3600 * 1000

function parts(instant: string | number): [number, number, number, number, number] {
  const at = new Date((typeof instant === 'number' ? instant : Date.parse(instant)) + OFFSET_MS)
  return [at.getUTCFullYear(), at.getUTCMonth() + 1, at.getUTCDate(), at.getUTCHours(), at.getUTCMinutes()]
}

const two = (value: number) => String(value).padStart(2, '0')

export function day(instant: string | number): string {
  const [year, month, date] = parts(instant)
  return `${year}-${two(month)}-${two(date)}`
}

export function minute(instant: string | number): string {
  const [, , , hour, min] = parts(instant)
  return `${day(instant)} ${two(hour)}:${two(min)}`
}

/** Without the year while it is this one: what lists show. */
export function shortMinute(instant: string, now = Date.now()): string {
  const text = minute(instant)
  return text.slice(0, 4) === minute(now).slice(0, 4) ? text.slice(5) : text
}

/** Whole seconds until then, not below zero. */
export function secondsUntil(instant: string, now = Date.now()): number {
  return Math.max(0, Math.ceil((Date.parse(instant) - now) / 1000))
}

export function distance(metres: number): string {
  if (metres < 1000) return `${Math.max(10, Math.round(metres / 10) * 10)} m`
  const tenths = Math.round(metres / 100)
  return tenths >= 1000 ? `${Math.round(tenths / 10)} km` : `${Math.floor(tenths / 10)}.${tenths % 10} km`
}
