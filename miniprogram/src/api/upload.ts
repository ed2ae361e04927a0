/** One picture to the server. A browser has a file, WeChat a path of its own. */
import { language } from '@/i18n'

import { networkProblem, problemOf } from './problem'
import { withToken } from './session'

export type Picture = File | string

export function upload<Answer>(path: string, picture: Picture): Promise<Answer> {
  const url = `${__API_BASE__}/api/v1${path}`
  return withToken((token) => {
    const header = { Authorization: `Bearer ${token}`, 'Accept-Language': language() === 'en' ? 'en' : 'zh' }
    // #ifdef H5
    const form = new FormData()
    form.append('file', picture)
    return fetch(url, { method: 'POST', headers: header, body: form }).then(
      async (answer) => read<Answer>(answer.status, await answer.text()),
      () => Promise.reject(networkProblem()),
    )
    // #endif
    // #ifndef H5
    return new Promise<Answer>((resolve, reject) => {
      uni.uploadFile({
        url,
        filePath: String(picture),
        name: 'file',
        header,
        success: ({ statusCode, data }) => read<Answer>(statusCode, data).then(resolve, reject),
        fail: () => reject(networkProblem()),
      })
    })
    // #endif
  })
}

function read<Answer>(status: number, text: string): Promise<Answer> {
  let told: unknown = null
  try {
    told = JSON.parse(text)
  } catch {
    // A proxy's page instead of our answer: problemOf says that the service is busy.
  }
  return status >= 200 && status < 300 && told ? Promise.resolve(told as Answer) : Promise.reject(problemOf(status, told))
}
