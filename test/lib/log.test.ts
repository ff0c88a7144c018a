/** Log lines: anything that looks like a secret is removed, whatever its source. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog, scrub } from '../../src/lib/log.ts'
import { Secret } from '../../src/lib/secret.ts'

const pat = 'pat-na1-0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f'
const refresh = 'na1-0a1b-2c3d-0a1b-0a1b-0a1b2c3d4e5f'

test('a token is removed however it reaches a log line', () => {
  const lines: string[] = []
  const log = createLog('debug', (line) => lines.push(line))
  const deep = { a: { b: { c: [{ access_token: 'opaque-token-1' }] } } }
  log.info({
    deep,
    Authorization: `Bearer opaque-token-2`,
    nested: { headers: { authorization: 'Bearer opaque-token-3' } },
  })
  log.info(`a message with ${pat} in it`)
  log.error(
    { err: new Error(`failed with ${pat}`, { cause: new Error(`refresh_token=${refresh}&grant_type=x`) }) },
    'x',
  )
  log.info({ url: `https://x/cb?code=opaque-token-4&state=opaque-token-5&keep=me` })
  log.info({
    body: JSON.stringify({ refresh_token: 'opaque-token-6', client_secret: 'opaque-token-7', tokenKey: pat }),
  })
  log.info({ url: 'postgres://spoke:opaque-token-8@db.example/spoke' })
  log.info({ secret: new Secret('opaque-token-9') })
  log.info({
    headers: {
      cookie: 'theme=dark; spoke_session=opaque-token-10',
      'set-cookie': ['a=opaque-token-11; Path=/'],
    },
  })
  log.info('Cookie: other=opaque-token-12; x=opaque-token-13')
  log.info(`a line with __Host-spoke_session=opaque-token-14 in it`)
  log.info(`and sps_opaque-token-15-${'a'.repeat(20)} and spc_opaque-token-16-${'a'.repeat(20)}`)
  log.info({
    nested: JSON.stringify({ headers: { Cookie: 'b=opaque-token-17', 'Set-Cookie': 'c=opaque-token-18' } }),
  })
  log.info(
    `a secret whsec_opaque-token-19/${'A'.repeat(20)}+/== and {"secret":"whsec_opaque-token-20${'b'.repeat(20)}"}`,
  )
  const text = lines.join('')
  assert.doesNotMatch(text, /opaque-token/)
  assert.ok(!text.includes(pat) && !text.includes(refresh))
  assert.ok(text.includes('keep=me') && text.includes('db.example'))
})

test('what is no secret stays readable: states, codes, ids', () => {
  const line =
    '{"state":"running","code":"token_invalid","integration_id":"01a20450-51e0-7194-9b7d-620e440c39ef"}'
  assert.equal(scrub(line), line)
})

test('each line is JSON with a level by name and a time', () => {
  let line = ''
  createLog('info', (text) => {
    line = text
  }).warn({ n: 1 }, 'hello')
  const { level, time, n, msg } = JSON.parse(line)
  assert.deepEqual([level, n, msg], ['warn', 1, 'hello'])
  assert.ok(Math.abs(Date.parse(time) - Date.now()) < 5_000)
})
