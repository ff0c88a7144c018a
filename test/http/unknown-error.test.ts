/** An unexpected error becomes a 500 without its message, and is logged in full. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import Fastify, { type FastifyBaseLogger } from 'fastify'
import { replyError } from '../../src/http/error-reply.ts'
import { createLog } from '../../src/lib/log.ts'
import { SealError } from '../../src/lib/seal.ts'

const inside = 'zq-inside at /srv/spoke/db.ts: select * from secrets'
const thrown: [what: string, value: unknown][] = [
  ['an error', new Error(inside)],
  ['an error with a cause', new Error('outer', { cause: new Error(inside) })],
  ['a bug', new TypeError(inside)],
  ['an error with a status of its own', Object.assign(new Error(inside), { statusCode: 503 })],
  [
    'an error of the database',
    Object.assign(new Error(inside), { code: '23505', detail: inside, table: inside }),
  ],
  ['a sealed value that does not open', new SealError(inside)],
  ['several errors', new AggregateError([new Error(inside)], inside)],
  ['text', inside],
  ['an object', { message: inside, name: inside }],
]

for (const [what, value] of thrown) {
  test(`${what} that reaches the last handler reveals nothing to the caller, and is logged in full`, async () => {
    const lines: string[] = []
    const app = Fastify({
      loggerInstance: createLog('debug', (line) => lines.push(line)) as FastifyBaseLogger,
    })
    app.setErrorHandler(replyError)
    app.get('/', () => Promise.reject(value))
    for (const accept of ['application/json', 'application/problem+json', 'text/html']) {
      const answer = await app.inject({ url: '/', headers: { accept } })
      assert.equal(answer.statusCode, 500)
      const { request_id, ...rest } = answer.json()
      assert.equal(typeof request_id, 'string')
      assert.deepEqual(rest, {
        success: false,
        error: 'Internal error',
        code: 'internal',
        type: 'urn:spoke:problem:internal',
        title: 'Internal',
        status: 500,
        detail: 'Internal error',
      })
      assert.doesNotMatch(JSON.stringify(answer.headers), /zq-inside/)
    }
    assert.ok(
      lines.some((line) => line.includes('"level":"error"') && line.includes('zq-inside')),
      lines.join(''),
    )
  })
}
