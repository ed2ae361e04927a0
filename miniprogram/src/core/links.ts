/** What a scanned code stands for: our own addresses, or a bare printed code. */
import { bareCode, judgeCode } from './codes'

export type Scanned =
  | { kind: 'pay'; token: string }
  | { kind: 'gift'; token: string }
  | { kind: 'top-up'; code: string }
  | { kind: 'voucher'; code: string }
  | { kind: 'nothing' }

const TOKEN = /^[\w-]{4,100}$/

export function readScanned(text: string): Scanned {
  const found = /\/([qgtv])\/([^/?#]+)\/?(?:[?#].*)?$/.exec(text.trim())
  if (!found) return judgeCode(text) === 'right' ? { kind: 'top-up', code: bareCode(text) } : { kind: 'nothing' }
  const [, letter, rest] = found
  if (letter === 't') return { kind: 'top-up', code: bareCode(rest) }
  if (letter === 'v') return { kind: 'voucher', code: bareCode(rest) }
  if (!TOKEN.test(rest)) return { kind: 'nothing' }
  return letter === 'q' ? { kind: 'pay', token: rest } : { kind: 'gift', token: rest }
}

/** The page that goes on from there. */
export function pageOf(scanned: Scanned): string | null {
  switch (scanned.kind) {
    case 'pay':
      return `/pages/pay/index?point=${encodeURIComponent(scanned.token)}`
    case 'gift':
      return `/pages/gift/open?token=${encodeURIComponent(scanned.token)}`
    case 'top-up':
      return `/pages/topup/code?code=${encodeURIComponent(scanned.code)}`
    case 'voucher':
      return `/pages/landing/index?v=${encodeURIComponent(scanned.code)}`
    default:
      return null
  }
}

export interface Place {
  name: string
  lat: number
  lng: number
}

/** Coordinates are GCJ-02, which both maps take as they are. */
export function amapLink({ name, lat, lng }: Place): string {
  const title = encodeURIComponent(name)
  return `https://uri.amap.com/marker?position=${lng},${lat}&name=${title}&coordinate=gaode&callnative=1`
}

export function tencentLink({ name, lat, lng }: Place, address: string): string {
  const marker = `coord:${lat},${lng};title:${encodeURIComponent(name)};addr:${encodeURIComponent(address)}`
  return `https://apis.map.qq.com/uri/v1/marker?marker=${marker}&referer=kaquan`
}
