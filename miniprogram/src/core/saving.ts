/** Give the member a file: a download in a browser, a file to send on in WeChat. */
import { t } from '@/i18n'

export function saveJson(name: string, content: object): Promise<void> {
  const text = JSON.stringify(content, null, 2)
  // #ifdef H5
  const address = URL.createObjectURL(new Blob([text], { type: 'application/json' }))
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
  return Promise.resolve()
  // #endif
  // #ifndef H5
  const path = `${(wx as { env: { USER_DATA_PATH: string } }).env.USER_DATA_PATH}/${name}`
  return new Promise((resolve, reject) => {
    uni.getFileSystemManager().writeFile({
      filePath: path,
      data: text,
      encoding: 'utf8',
      success: () => {
        ;(wx as unknown as { shareFileMessage: (options: object) => void }).shareFileMessage({
          filePath: path,
          success: () => resolve(),
          fail: () => reject(new Error(t('The file was not saved.'))),
        })
      },
      fail: () => reject(new Error(t('The file was not saved.'))),
    })
  })
  // #endif
}
