/** The provider's keys: cached, fetched rarely, replaced on rotation, and never guessed while the provider is unavailable. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { jwtVerify } from 'jose'
import { createProviderKeys } from '../../src/auth/provider-keys.ts'
import { type Clock, systemClock } from '../../src/lib/clock.ts'
import { AppError } from '../../src/lib/errors.ts'
import { createLog } from '../../src/lib/log.ts'
import { startOn } from '../http/http-fixture.ts'
import { checkShape, type Watched } from '../http/oracle.ts'
import { send } from '../http/send.ts'
import { startTestEmulator } from '../support/emulator.ts'
import {
  claimsFor,
  environmentOf,
  newKey,
  type Provider,
  type SigningKey,
  sign,
  startProvider,
} from '../support/provider.ts'

const T = '11111111-1111-4111-8111-111111111111'
const minute = 60_000

describe('the keys of the identity provider', () => {
  let provider: Provider
  let elapsed: number
  let lines: string[]
  before(async () => {
    provider = await startProvider()
  })
  after(() => provider.close())

  /** Nothing cached yet; the test moves the clock. */
  function fresh() {
    elapsed = 0
    lines = []
    provider.answer = undefined
    const clock: Clock = { ...systemClock, monotonic: () => elapsed }
    const { find: keys } = createProviderKeys(
      provider.jwksUrl,
      clock,
      createLog('debug', (line) => lines.push(line)),
    )
    const first = provider.calls()
    return {
      calls: () => provider.calls() - first,
      /** ok, or why not: the code of ours or of jose. */
      async tryWith(key: SigningKey): Promise<string> {
        try {
          await jwtVerify(await sign(key, claimsFor(provider, T)), keys)
          return 'ok'
        } catch (error) {
          if (error instanceof AppError)
            assert.ok((error.retryAfter ?? 0) >= 1 && (error.retryAfter ?? 0) <= 10)
          return (error as { code: string }).code
        }
      },
    }
  }
  const known = () => provider.keys[0] as SigningKey
  const gone = (_: unknown, response: ServerResponse) => void response.destroy()
  const unknown = 'ERR_JWKS_NO_MATCHING_KEY'

  test('are fetched once for a hundred tokens at once, and not again for five minutes', async () => {
    const { calls, tryWith } = fresh()
    const answers = await Promise.all(Array.from({ length: 100 }, () => tryWith(known())))
    assert.deepEqual(new Set(answers), new Set(['ok']))
    elapsed = 4.9 * minute
    assert.equal(await tryWith(known()), 'ok')
    assert.equal(calls(), 1)
    elapsed = 5.1 * minute
    assert.equal(await tryWith(known()), 'ok')
    assert.equal(calls(), 2)
  })

  test('a thousand unknown kids cause one call in ten seconds, and known keys still work', async () => {
    const { calls, tryWith } = fresh()
    assert.equal(await tryWith(known()), 'ok')
    const strangers = await Promise.all(Array.from({ length: 10 }, () => newKey('EdDSA')))
    for (let n = 0; n < 100; n++) {
      const answers = await Promise.all(strangers.map(tryWith))
      assert.deepEqual(new Set(answers), new Set([unknown]))
      elapsed += 99
    }
    assert.equal(await tryWith(known()), 'ok')
    assert.equal(calls(), 1)
    elapsed = 10_100
    for (const stranger of strangers) assert.equal(await tryWith(stranger), unknown)
    assert.equal(calls(), 2)
  })

  test('a key that is new at the provider is found at its first token', async () => {
    const { calls, tryWith } = fresh()
    assert.equal(await tryWith(known()), 'ok')
    const added = await provider.newKey()
    elapsed = 11_000
    assert.equal(await tryWith(added), 'ok')
    assert.equal(calls(), 2)
  })

  test('a key that the provider has removed is refused after five minutes', async () => {
    const { tryWith } = fresh()
    const added = await provider.newKey()
    assert.equal(await tryWith(added), 'ok')
    provider.keys.pop()
    elapsed = 4.9 * minute
    assert.equal(await tryWith(added), 'ok')
    elapsed = 5.1 * minute
    assert.equal(await tryWith(added), unknown)
  })

  test('while the provider is unavailable, known keys work for an hour and unknown ones are neither accepted nor refused', async () => {
    const { calls, tryWith } = fresh()
    assert.equal(await tryWith(known()), 'ok')
    provider.answer = gone
    const added = await newKey()
    for (const at of [6, 30, 59]) {
      elapsed = at * minute
      assert.equal(await tryWith(known()), 'ok', `${at} minutes`)
      assert.equal(await tryWith(added), 'unavailable', `${at} minutes`)
    }
    elapsed = 61 * minute
    assert.equal(await tryWith(known()), 'unavailable')
    assert.ok(lines.some((line) => line.includes('the keys of the identity provider could not be read')))
    const before = calls()
    for (let n = 0; n < 50; n++) assert.equal(await tryWith(known()), 'unavailable')
    assert.equal(calls(), before, 'a provider that is down is not called repeatedly')
    provider.answer = undefined
    elapsed += 11_000
    assert.equal(await tryWith(known()), 'ok')
  })

  test('once a provider is known to be slow, tokens with a known key do not wait for it', async () => {
    const { tryWith } = fresh()
    assert.equal(await tryWith(known()), 'ok')
    provider.answer = gone
    elapsed = 6 * minute
    await tryWith(known())
    provider.answer = () => {}
    elapsed = 7 * minute
    const began = performance.now()
    assert.equal(await tryWith(known()), 'ok')
    assert.ok(performance.now() - began < 1_000)
  })

  const endless = (_: unknown, response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const more = () => {
      while (response.write(' '.repeat(65_536)));
    }
    response.on('drain', more)
    more()
  }
  const answering =
    (status: number, body: string | Buffer, headers: Record<string, string> = {}) =>
    (_: unknown, response: ServerResponse) =>
      void response.writeHead(status, headers).end(body)
  const jwks = () => JSON.stringify({ keys: provider.keys.map(({ jwk }) => jwk) })

  for (const [what, answer] of [
    ['hangs up', gone],
    ['does not respond', () => {}],
    [
      'stops in the middle',
      (_: unknown, response: ServerResponse) => void response.writeHead(200).write('{"keys":['),
    ],
    ['answers without end', endless],
    ['answers a bomb', answering(200, gzipSync(Buffer.alloc(64 << 20, ' ')), { 'content-encoding': 'gzip' })],
    ['answers 500', answering(500, '{}')],
    [
      'answers 404 with keys',
      (_: unknown, response: ServerResponse) => void response.writeHead(404).end(jwks()),
    ],
    ['answers a page', answering(200, '<!doctype html>')],
    ['answers nothing', answering(200, '')],
    ['answers no list', answering(200, '{"keys":{}}')],
    ['answers null', answering(200, 'null')],
    ['answers an empty list', answering(200, '{"keys":[]}')],
    ['sends elsewhere', answering(302, '', { location: '/elsewhere' })],
    ['sends elsewhere for good', answering(308, '', { location: '/elsewhere' })],
  ] as const) {
    test(`a provider that ${what} counts as unavailable within five seconds; nothing is accepted or refused`, async () => {
      const { tryWith } = fresh()
      provider.answer = answer
      const began = performance.now()
      assert.equal(await tryWith(known()), 'unavailable')
      assert.ok(performance.now() - began < 5_000)
      const read = lines.map((line) => JSON.parse(line).err.message).join()
      if (answer === endless || what === 'answers a bomb') assert.match(read, /returned more than/)
      assert.deepEqual(provider.strays, [], 'no redirect is followed')
    })
  }
})

test('over HTTP an unavailable provider is 503 with Retry-After, ends no session, and affects no other caller', async () => {
  const provider = await startProvider()
  const emulator = await startTestEmulator()
  const adminKey = 'an-admin-key-of-the-jwt-tests'
  const bench: Watched = {
    emulator,
    ...(await startOn(emulator, { SPOKE_ADMIN_KEY: adminKey, ...environmentOf(provider) })),
  }
  try {
    provider.answer = (_, response) => void response.destroy()
    const path = `/api/hubspot/integrations/${T}`
    const token = await sign(provider.keys[0] as SigningKey, claimsFor(provider, T))
    const answer = await send(bench.service.url, { path, headers: { authorization: `Bearer ${token}` } })
    checkShape(answer, { what: 'provider unavailable', status: 503, code: 'unavailable' })
    assert.match(String(answer.headers['retry-after']), /^([1-9]|10)$/)
    const admin = await send(bench.service.url, { path, headers: { authorization: `Bearer ${adminKey}` } })
    assert.equal(admin.status, 404, 'the admin key needs no provider')
    const odd = await send(bench.service.url, { path, headers: { authorization: 'Bearer nonsense' } })
    assert.equal(odd.status, 401, 'what is no JWT is refused as ever')
    const hs = [{ alg: 'HS256' }, { alg: 'none' }].map((header) =>
      Buffer.from(JSON.stringify(header)).toString('base64url'),
    )
    for (const head of hs) {
      const given = { authorization: `Bearer ${head}.${token.split('.')[1]}.AAAA` }
      assert.equal((await send(bench.service.url, { path, headers: given })).status, 401)
    }
    assert.ok(!bench.service.lines.join('').includes(token.split('.')[1] as string))
  } finally {
    await bench.service.stop()
    await emulator.close()
    await provider.close()
  }
})
