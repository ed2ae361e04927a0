/** Where the member is, in GCJ-02. Asked once a session; a refusal is remembered and respected. */

export interface Here {
  lat: number
  lng: number
}

export type Asked = { here: Here } | { here: null; why: 'refused' | 'unknown' }

let known: Asked | null = null

export function whereAmI(again = false): Promise<Asked> {
  if (known && !again) return Promise.resolve(known)
  return new Promise((resolve) => {
    const end = (found: Asked) => {
      known = found
      resolve(found)
    }
    // #ifdef MP-WEIXIN
    uni.getLocation({
      type: 'gcj02',
      success: ({ latitude, longitude }) => end({ here: { lat: latitude, lng: longitude } }),
      fail: ({ errMsg }) => end({ here: null, why: /deny|auth/.test(errMsg ?? '') ? 'refused' : 'unknown' }),
    })
    // #endif
    // #ifndef MP-WEIXIN
    if (!navigator.geolocation) {
      end({ here: null, why: 'unknown' })
      return
    }
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => end({ here: fromWgs84(coords.latitude, coords.longitude) }),
      (error) => end({ here: null, why: error.code === 1 ? 'refused' : 'unknown' }),
      { timeout: 6000, maximumAge: 120_000 },
    )
    // #endif
  })
}

/** Browsers say WGS-84; maps and stores in mainland China are in GCJ-02 (up to 600 m beside it). */
export function fromWgs84(lat: number, lng: number): Here {
  if (lng < 72.004 || lng > 137.8347 || lat < 0.8293 || lat > 55.8271) return { lat, lng }
  const axis = 6378245.0
  const eccentricity = 0.00669342162296594323
  const x = lng - 105.0
  const y = lat - 35.0
  const radians = (lat / 180.0) * Math.PI
  const magic = 1 - eccentricity * Math.sin(radians) ** 2
  const root = Math.sqrt(magic)
  const dLat = (northing(x, y) * 180.0) / (((axis * (1 - eccentricity)) / (magic * root)) * Math.PI)
  const dLng = (easting(x, y) * 180.0) / ((axis / root) * Math.cos(radians) * Math.PI)
  return { lat: lat + dLat, lng: lng + dLng }
}

const wave = (angle: number) => Math.sin(angle * Math.PI)

function northing(x: number, y: number): number {
  const ripple = ((20 * wave(6 * x) + 20 * wave(2 * x)) * 2) / 3
  const waves = ((20 * wave(y) + 40 * wave(y / 3)) * 2) / 3
  const swell = ((160 * wave(y / 12) + 320 * wave(y / 30)) * 2) / 3
  return -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * Math.sqrt(Math.abs(x)) + ripple + waves + swell
}

function easting(x: number, y: number): number {
  const ripple = ((20 * wave(6 * x) + 20 * wave(2 * x)) * 2) / 3
  const waves = ((20 * wave(x) + 40 * wave(x / 3)) * 2) / 3
  const swell = ((150 * wave(x / 12) + 300 * wave(x / 30)) * 2) / 3
  return 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * Math.sqrt(Math.abs(x)) + ripple + waves + swell
}
