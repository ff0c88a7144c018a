/** The client verifies what Spoke sends to an endpoint, and nothing else. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { createSpoke } from '../../packages/sdk/src/spoke.ts'
import { type VerifyWebhookOptions, verifyWebhook } from '../../packages/sdk/src/verify-webhook.ts'
import { Secret } from '../../src/lib/secret.ts'
import { newWebhookSecret, webhookSignatureHeaders } from '../../src/lib/standard-webhooks.ts'
import { startTestEmulator } from '../support/emulator.ts'
import { eventually, startTestService } from '../support/service.ts'

const body = '{"type":"issue.updated","data":{"subject":"Grüße, \\u0000 and 😀"}}'
const [fresh, old] = [newWebhookSecret().reveal(), newWebhookSecret().reveal()]
const signed = (secrets: string[], at = new Date(), text = body) =>
  webhookSignatureHeaders(
    'a-change',
    at,
    text,
    secrets.map((one) => new Secret(one)),
  )

async function codeOf(
  text: string | Uint8Array,
  headers: Parameters<typeof verifyWebhook>[1],
  options: VerifyWebhookOptions,
): Promise<string | undefined> {
  try {
    await verifyWebhook(text, headers, options)
    return undefined
  } catch (error) {
    assert.equal((error as Error).name, 'WebhookVerificationError')
    return (error as { code: string }).code
  }
}

test('the published test vector of Standard Webhooks is verified', async () => {
  const headers = {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  }
  const options = { secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', now: 1_614_265_330_000 }
  assert.deepEqual(await verifyWebhook('{"test": 2432232314}', headers, options), { test: 2432232314 })
})

test('text, bytes, Headers and names in any case are verified, during a rotation with either secret', async () => {
  const headers = signed([fresh, old])
  const upper = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]),
  )
  for (const secret of [fresh, old, [old, fresh], [newWebhookSecret().reveal(), fresh]])
    for (const text of [body, new TextEncoder().encode(body)])
      for (const given of [headers, upper, new Headers(headers)])
        assert.equal(await codeOf(text, given, { secret }), undefined)
})

test('anything that is not as it was signed is refused', async () => {
  const headers = signed([fresh])
  const secret = fresh
  const cases: [string, string, Record<string, string | undefined>, VerifyWebhookOptions][] = [
    ['invalid_signature', body.replace('issue', 'Issue'), headers, { secret }],
    ['invalid_signature', JSON.stringify(JSON.parse(body), null, 1), headers, { secret }],
    ['invalid_signature', body, { ...headers, 'webhook-id': 'another' }, { secret }],
    ['invalid_signature', body, headers, { secret: old }],
    ['invalid_signature', body, { ...headers, 'webhook-signature': 'v1,' }, { secret }],
    ['invalid_signature', body, { ...headers, 'webhook-signature': 'v1,%%%=' }, { secret }],
    ['missing_header', body, { ...headers, 'webhook-signature': undefined }, { secret }],
    ['missing_header', body, { ...headers, 'webhook-id': '' }, { secret }],
    ['invalid_timestamp', body, { ...headers, 'webhook-timestamp': '1e9' }, { secret }],
    ['invalid_body', 'no json', signed([fresh], new Date(), 'no json'), { secret }],
  ]
  for (const [code, text, given, options] of cases) assert.equal(await codeOf(text, given, options), code)
  const v2 = (headers['webhook-signature'] as string).replace('v1,', 'v1a,')
  assert.equal(await codeOf(body, { ...headers, 'webhook-signature': v2 }, { secret }), 'invalid_signature')
  const many = `${'v1,AAAA '.repeat(10)}${headers['webhook-signature']}`
  assert.equal(await codeOf(body, { ...headers, 'webhook-signature': many }, { secret }), 'invalid_signature')
})

test('a time beyond the tolerance is refused, in either direction', async () => {
  const secret = fresh
  for (const [seconds, code] of [
    [-290, undefined],
    [290, undefined],
    [-310, 'timestamp_out_of_range'],
    [310, 'timestamp_out_of_range'],
  ] as const)
    assert.equal(
      await codeOf(body, signed([fresh], new Date(Date.now() + seconds * 1_000)), { secret }),
      code,
    )
  const late = signed([fresh], new Date(Date.now() - 60_000))
  assert.equal(await codeOf(body, late, { secret, toleranceSeconds: 30 }), 'timestamp_out_of_range')
  assert.equal(await codeOf(body, late, { secret, toleranceSeconds: Number.NaN }), 'timestamp_out_of_range')
})

test('a secret that is none is a mistake of the program, and is not printed', async () => {
  for (const secret of ['', 'hidden', 'whsec_', 'whsec_hidden', [], `whsec_${btoa('hidden')}`])
    await assert.rejects(
      verifyWebhook(body, signed([fresh]), { secret }),
      (error) => error instanceof TypeError && !/hidden|aGlkZGVu/.test(error.message),
    )
})

test('what Spoke sends to an endpoint is verified, and by both secrets after a rotation', async (t) => {
  const received: { headers: IncomingHttpHeaders; bytes: Uint8Array }[] = []
  const receiver = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    received.push({ headers: request.headers, bytes: Buffer.concat(chunks) })
    response.writeHead(204).end()
  })
  await once(receiver.listen(0, '127.0.0.1'), 'listening')
  const emulator = await startTestEmulator()
  const service = await startTestService(emulator.url, { SPOKE_ENDPOINTS_PRIVATE: 'true' })
  t.after(async () => {
    await service.stop()
    await emulator.close()
    receiver.closeAllConnections()
    receiver.close()
  })
  const spoke = createSpoke({ baseUrl: service.url })
  const tenant = spoke.tenant(randomUUID())
  await spoke.tenants.create({ tenant_id: tenant.id })
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`
  const { endpoint_id: endpoint, secret: first } = await tenant.endpoints.create({ url })

  async function sent() {
    const count = received.length
    const { change_id } = await tenant.endpoints.test(endpoint)
    await eventually(async () => received.length > count, 'the test event arrives')
    return { change_id, ...(received.at(-1) as (typeof received)[number]) }
  }

  const one = await sent()
  const webhook = await verifyWebhook(one.bytes, one.headers, { secret: first as string })
  assert.deepEqual([webhook.id, webhook.type, webhook.tenant_id], [one.change_id, 'endpoint.test', tenant.id])
  assert.equal(await codeOf(one.bytes, one.headers, { secret: fresh }), 'invalid_signature')
  const { secret: second } = await tenant.endpoints.rotate(endpoint)
  assert.notEqual(second, first)
  const two = await sent()
  for (const secret of [first as string, second as string])
    assert.equal(await codeOf(two.bytes, two.headers, { secret }), undefined)
  assert.equal(await codeOf(one.bytes, one.headers, { secret: second as string }), 'invalid_signature')
  const delivered = []
  for await (const { change_id } of tenant.endpoints.deliveriesAll(endpoint, { limit: 1 }))
    delivered.push(change_id)
  assert.deepEqual(new Set(delivered), new Set([one.change_id, two.change_id]))
})
