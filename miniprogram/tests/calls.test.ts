/** The far end is an HTTP server on this machine that drops, delays and refuses as told. */
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void

let answers: Answer[] = []
let heard: { path: string; key: string; token: string; body: string }[] = []
let base = ''
const server = createServer((request, response) => {
  let body = ''
  request.on('data', (part) => (body += part))
  request.on('end', () => {
    heard.push({
      path: request.url ?? '',
      key: String(request.headers['idempotency-key'] ?? ''),
      token: String(request.headers.authorization ?? ''),
      body,
    })
    ;(answers.shift() ?? say(500, { code: 'internal_error', detail: 'nothing was told' }))(request, response, body)
  })
})

function say(status: number, body: object): Answer {
  return (_request, response) => {
    response.writeHead(status, { 'Content-Type': 'application/json' })
    response.end(JSON.stringify(body))
  }
}
const drop: Answer = (request) => request.socket.destroy()
const signedIn = (token: string) => say(201, { access_token: token, expires_at: '', member: {} })

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  Object.assign(uni, {
    login: ({ success }: { success: (told: { code: string }) => void }) => success({ code: 'demo-x' }),
    request: (call: { url: string; method: string; data?: string; header: Record<string, string>; success: (answer: object) => void; fail: (error: object) => void }) => {
      fetch(base + call.url, { method: call.method, body: call.data, headers: call.header })
        .then(async (answer) => call.success({ statusCode: answer.status, data: await answer.json() }))
        .catch(call.fail)
    },
  })
})
afterAll(() => void server.close())
beforeEach(async () => {
  uni.clearStorageSync()
  answers = []
  heard = []
  const { session } = await import('../src/api/session')
  session.token = 'old'
})

test('a lost answer is asked for again with the same key and body, and paid once', async () => {
  const { moneyCall } = await import('../src/api/money')
  answers = [drop, say(503, { code: 'busy', detail: '…' }), say(201, { id: '7' })]
  expect(await moneyCall('payment', '/payments', { amount_fen: 5 })).toEqual({ id: '7' })
  expect(new Set(heard.map((one) => one.key + one.body)).size).toBe(1)
  expect(heard).toHaveLength(3)
  expect(heard[0].key).not.toBe('')
})
test('two taps are one call', async () => {
  const { moneyCall } = await import('../src/api/money')
  answers = [say(201, { id: '8' })]
  const both = await Promise.all([1, 2].map(() => moneyCall('payment', '/payments', { amount_fen: 6 })))
  expect(both).toEqual([{ id: '8' }, { id: '8' }])
  expect(heard).toHaveLength(1)
})
test('a clear refusal ends the attempt and is said as the server says it', async () => {
  const { moneyCall } = await import('../src/api/money')
  const { openAttempts } = await import('../src/core/keys')
  answers = [say(409, { code: 'store_closed', detail: '这家门店已停用，暂不收款。请询问店员。' })]
  await expect(moneyCall('payment', '/payments', { amount_fen: 7 })).rejects.toThrow('这家门店已停用')
  expect(openAttempts()).toEqual([])
})
test('what became of an attempt is asked when the app comes back', async () => {
  const { settleAttempts } = await import('../src/api/money')
  const { openAttempt, openAttempts } = await import('../src/core/keys')
  const now = Date.now()
  const done = openAttempt('payment', '/payments', { amount_fen: 1 }, now - 5000)
  const young = openAttempt('payment', '/payments', { amount_fen: 2 }, now - 5000)
  openAttempt('payment', '/payments', { amount_fen: 3 }, now - 90_000)
  answers = [say(200, { status: 'done', answer: { id: '9' } }), say(200, { status: 'unknown', answer: null }), say(200, { status: 'unknown', answer: null })]
  expect(await settleAttempts(now)).toEqual([{ kind: 'payment', answer: { id: '9' } }])
  expect(heard[0].path).toBe(`/api/v1/me/requests/${done.key}`)
  expect(openAttempts()).toEqual([young]) // It may still be on its way; the old one never arrived.
})
test('a token that ran out is renewed in silence, once for all that wait', async () => {
  const { call } = await import('../src/api/session')
  const over = say(401, { code: 'unauthenticated', detail: '请重新登录。' })
  answers = [over, over, signedIn('new'), say(200, { ok: 1 }), say(200, { ok: 2 })]
  await Promise.all([call('GET', '/me'), call('GET', '/me/cards')])
  expect(heard.map((one) => one.token)).toEqual(['Bearer old', 'Bearer old', '', 'Bearer new', 'Bearer new'])
})
