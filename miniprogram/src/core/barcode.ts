/** Code 128 (set C: two digits a symbol) and QR codes, as pictures that need no server. */
import qrcode from 'qrcode-generator'

const WIDTHS = (
  '212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 ' +
  '113222 123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 ' +
  '212123 212321 232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 ' +
  '113123 113321 133121 313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 ' +
  '314111 221411 431111 111224 111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 ' +
  '241211 221114 413111 241112 134111 111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 ' +
  '214121 412121 111143 111341 131141 114113 114311 411113 411311 113141 114131 311141 411131 211412 211214 ' +
  '211232'
).split(' ')
const START_C = 105
const STOP = '2331112'

/** Widths of bars and spaces in turn, for an even number of digits. */
export function code128(digits: string): number[] {
  if (!/^(\d\d)+$/.test(digits)) throw new Error('Code 128 C takes pairs of digits')
  const values = (digits.match(/\d\d/g) as string[]).map((pair) => parseInt(pair, 10))
  const check = values.reduce((sum, value, place) => sum + value * (place + 1), START_C) % 103
  const symbols = [START_C, ...values, check].map((value) => WIDTHS[value])
  return [...symbols.join(''), ...STOP].map((width) => parseInt(width, 10))
}

export function barcodePicture(digits: string): string {
  let x = 10
  let path = ''
  code128(digits).forEach((width, place) => {
    if (place % 2 === 0) path += `M${x} 0h${width}v60h-${width}z`
    x += width
  })
  return picture(x + 10, 60, path)
}

export function qrPicture(text: string): string {
  const code = qrcode(0, 'M')
  code.addData(text)
  code.make()
  const size = code.getModuleCount()
  let path = ''
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < size; column += 1) {
      if (code.isDark(row, column)) path += `M${column + 2} ${row + 2}h1v1h-1z`
    }
  }
  return picture(size + 4, size + 4, path)
}

function picture(width: number, height: number, path: string): string {
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" ` +
    `shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${width}v${height}H0z"/><path d="${path}"/></svg>`
  return `data:image/svg+xml,${encodeURIComponent(svg)}`
}
