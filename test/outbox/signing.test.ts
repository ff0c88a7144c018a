/** A receiver that uses only the `standardwebhooks` package verifies our signatures; and which addresses are allowed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { Secret } from '../../src/lib/secret.ts'
import {
  newWebhookSecret,
  parseWebhookSecret,
  webhookSignatureHeaders,
} from '../../src/lib/standard-webhooks.ts'
import { attemptDelay } from '../../src/outbox/attempt-delay.ts'
import { endpointUrlFault, isPublicAddress } from '../../src/outbox/public-address.ts'

const body = '{"type":"issue.updated","data":{"subject":"Grüße, \\u0000 and 😀"}}'
const proves = (secret: Secret, sent: string, headers: Record<string, string>) => {
  try {
    new Webhook(secret.reveal()).verify(sent, headers)
    return true
  } catch {
    return false
  }
}

test('the published test vector of Standard Webhooks is reproduced', () => {
  const headers = webhookSignatureHeaders(
    'msg_p5jXN8AQM9LWM0D4loKWxJek',
    new Date(1_614_265_330_000),
    '{"test": 2432232314}',
    [new Secret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')],
  )
  assert.equal(headers['webhook-signature'], 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
  assert.equal(headers['webhook-timestamp'], '1614265330')
})

test('a receiver with the package verifies our signatures, during a rotation with either secret, and nothing else', () => {
  const [fresh, old, other] = [newWebhookSecret(), newWebhookSecret(), newWebhookSecret()] as const
  const now = new Date()
  const headers = webhookSignatureHeaders('a-change', now, body, [fresh, old])
  assert.ok(proves(fresh, body, headers))
  assert.ok(proves(old, body, headers))
  assert.ok(!proves(other, body, headers))
  assert.ok(!proves(fresh, body.replace('issue', 'Issue'), headers))
  assert.ok(
    !proves(fresh, JSON.stringify(JSON.parse(body), null, 1), headers),
    'written anew it is another body',
  )
  assert.ok(!proves(fresh, body, { ...headers, 'webhook-id': 'another' }))
  for (const minutes of [-6, 6]) {
    const at = new Date(now.getTime() + minutes * 60_000)
    assert.ok(!proves(fresh, body, webhookSignatureHeaders('a-change', at, body, [fresh])), `${minutes}`)
  }
  assert.ok(!proves(old, body, webhookSignatureHeaders('a-change', now, body, [fresh])))
})

test('a secret is whsec_ and 24 to 64 bytes; anything else is refused', () => {
  for (const bytes of [24, 32, 64]) {
    const text = `whsec_${Buffer.alloc(bytes, 7).toString('base64')}`
    assert.equal(parseWebhookSecret(text)?.reveal(), text)
  }
  for (const text of [
    '',
    'whsec_',
    `whsec_${Buffer.alloc(23).toString('base64')}`,
    `whsec_${Buffer.alloc(65).toString('base64')}`,
    Buffer.alloc(32).toString('base64'),
    `whsec_${Buffer.alloc(32).toString('base64')}\n`,
    `whsec_${'!'.repeat(43)}=`,
    `whsec_${Buffer.alloc(32, 0xfb).toString('base64url')}`,
  ])
    assert.equal(parseWebhookSecret(text), undefined, text)
  assert.equal(parseWebhookSecret(newWebhookSecret().reveal())?.reveal().length, 'whsec_'.length + 44)
})

test('it is tried eight times, at the documented intervals, never sooner than the receiver requires', () => {
  const plain = Array.from({ length: 7 }, (_, n) => attemptDelay(n + 1, undefined, 0.5))
  assert.deepEqual(plain, [5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 36_000_000])
  assert.equal(attemptDelay(8, undefined, 0.5), undefined)
  assert.deepEqual([attemptDelay(1, undefined, 0), attemptDelay(1, undefined, 0.999_999)], [4_000, 6_000])
  assert.equal(attemptDelay(1, 60_000, 0.5), 60_000)
  assert.equal(attemptDelay(1, 9e12, 0.5), 86_400_000)
  assert.equal(attemptDelay(5, 60_000, 0.5), 18_000_000)
})

test('only what everybody can reach is public', () => {
  for (const address of [
    '1.1.1.1',
    '8.8.8.8',
    '172.15.255.255',
    '172.32.0.0',
    '100.128.0.1',
    '2606:4700::1111',
    '2a00:1450:4001::1',
  ])
    assert.ok(isPublicAddress(address), address)
  for (const address of [
    ...[
      '0.0.0.0',
      '10.0.0.1',
      '100.64.0.1',
      '127.0.0.1',
      '127.255.255.254',
      '169.254.169.254',
      '172.16.0.1',
      '172.31.255.255',
    ],
    ...[
      '192.0.0.1',
      '192.0.2.1',
      '192.168.1.1',
      '198.18.0.1',
      '198.51.100.1',
      '203.0.113.1',
      '224.0.0.1',
      '240.0.0.1',
      '255.255.255.255',
    ],
    ...[
      '::',
      '::1',
      '::ffff:127.0.0.1',
      '::ffff:8.8.8.8',
      '::127.0.0.1',
      '64:ff9b::7f00:1',
      '64:ff9b:1::1',
      '100::1',
      'fe80::1',
      'fe80::1%eth0',
    ],
    ...[
      'fc00::1',
      'fd12:3456::1',
      'fec0::1',
      'ff02::1',
      '2001::1',
      '2001:db8::1',
      '2002:7f00:1::',
      '3fff::1',
      '5f00::1',
    ],
    ...['localhost', '', '127.1', '2130706433', 'example.com'],
  ])
    assert.ok(!isPublicAddress(address), address)
})

test('a literal internal address is refused in any notation', () => {
  for (const url of [
    'https://example.com/hook',
    'https://hooks.example.co.uk/a?b=c',
    'https://1.1.1.1/',
    'https://[2606:4700::1111]/',
  ])
    assert.equal(endpointUrlFault(url, false), undefined, url)
  for (const url of [
    ...[
      'http://example.com/',
      'ftp://example.com/',
      'file:///etc/passwd',
      'javascript:alert(1)',
      'example.com',
      '',
      '//example.com',
    ],
    ...[
      'https://user@example.com/',
      'https://user:word@example.com/',
      'https://example.com/#part',
      'https://example.com:8443/',
    ],
    ...[
      'https://127.0.0.1/',
      'https://127.1/',
      'https://2130706433/',
      'https://0x7f000001/',
      'https://0177.0.0.1/',
      'https://0x7f.1/',
    ],
    ...[
      'https://127.0.0.1./',
      'https://①②⑦.⓪.⓪.①/',
      'https://[::1]/',
      'https://[::ffff:127.0.0.1]/',
      'https://[::ffff:7f00:1]/',
    ],
    ...[
      'https://10.1.2.3/',
      'https://169.254.169.254/latest/meta-data/',
      'https://[fd00::1]/',
      'https://[fe80::1]/',
      'https://0/',
    ],
    ...[
      'https://localhost/',
      'https://LOCALHOST./',
      'https://a.localhost/',
      'https://printer.local/',
      'https://db.internal/',
      'https://app/',
    ],
    ...[
      'https://nas.lan/',
      'https://x.home.arpa/',
      `https://example.com/${'a'.repeat(2_000)}`,
      'https:// /',
      'https://%31%32%37.0.0.1/',
    ],
  ])
    assert.notEqual(endpointUrlFault(url, false), undefined, url)
  assert.equal(endpointUrlFault('http://127.0.0.1:3000/hook', true), undefined)
  assert.notEqual(endpointUrlFault('http://user@127.0.0.1/', true), undefined)
})
