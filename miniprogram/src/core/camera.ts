/** QR codes in a browser: barcode-detector and its wasm come from our own server, on first use. */
import wasmUrl from 'zxing-wasm/reader/zxing_reader.wasm?url'

import { chooseFile } from './files'

const LOOK_EVERY_MS = 180
const FORMATS = ['qr_code', 'code_128'] as const

interface Reader {
  detect(source: HTMLVideoElement | ImageBitmap): Promise<{ rawValue: string }[]>
}

let reader: Promise<Reader> | null = null

async function makeReader(): Promise<Reader> {
  const { BarcodeDetector, prepareZXingModule } = await import('./reader')
  prepareZXingModule({ overrides: { locateFile: (path: string) => (path.endsWith('.wasm') ? wasmUrl : path) } })
  return new BarcodeDetector({ formats: [...FORMATS] })
}

/** Show the camera in an element and say every code that is seen. Returns what stops it. */
export async function startCamera(selector: string, found: (text: string) => void): Promise<() => void> {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } })
  const video = document.createElement('video')
  video.muted = true
  video.playsInline = true
  video.className = 'finder-video'
  video.srcObject = stream
  document.querySelector(selector)?.replaceChildren(video)
  await video.play()
  reader ??= makeReader()
  const detector = await reader
  let last = ''
  const timer = setInterval(() => {
    if (video.readyState < 2) return
    void detector.detect(video).then(([code]) => {
      if (!code || code.rawValue === last) return
      last = code.rawValue
      found(code.rawValue)
    })
  }, LOOK_EVERY_MS)
  return () => {
    clearInterval(timer)
    stream.getTracks().forEach((track) => track.stop())
  }
}

/** The code in a picture that the member chooses; null when there is none, "" when she goes back. */
export async function readPicture(): Promise<string | null> {
  const file = await chooseFile()
  if (!file) return ''
  reader ??= makeReader()
  const [detector, picture] = await Promise.all([reader, createImageBitmap(file)])
  const [code] = await detector.detect(picture)
  return code?.rawValue ?? null
}
