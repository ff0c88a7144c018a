/** HubSpot's signatures: what it published passes, and nothing that resembles it does. */
import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { freshForMs, type Signed, signatureFault } from '../../src/hubspot/events/signature.ts'
import { Secret } from '../../src/lib/secret.ts'

const secret = 'yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy'
const url = 'https://www.example.com/webhook_uri'
const bytes = (text: string) => new TextEncoder().encode(text)

/** As in HubSpot's guide, without our code. */
function sign(
  { method = 'POST', url: to = url, body = '[]', key = secret }: Record<string, string | undefined>,
  at: string,
): string {
  return createHmac('sha256', key).update(`${method}${to}${body}${at}`, 'utf8').digest('base64')
}

const verify = (signed: Partial<Signed>, nowMs: number, secrets = [secret]) =>
  signatureFault(
    { method: 'POST', url, body: bytes('[]'), signature: undefined, timestamp: undefined, ...signed },
    secrets.map((one) => new Secret(one)),
    nowMs,
  )

describe('what HubSpot’s own libraries publish', () => {
  const body = bytes("{'example_field':'example_value'}")
  for (const [of, timestamp, signature] of [
    ['Python', '1693657560000', 'K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y='],
    ['Ruby', '1700000300000', 'RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw='],
  ] as const)
    test(`${of}’s example passes`, () => {
      assert.equal(verify({ body, signature, timestamp }, Number(timestamp)), undefined)
    })
})

/** Lines such as `| own-1 ts 1790000001000 … | `body` | `signature` |` in the notes that lie beside the project. */
const notes = join(
  process.env.SPOKE_SHARED_DIR ?? join(import.meta.dirname, '../../../shared'),
  'hubspot-api.md',
)
test(
  'the further examples in the notes beside the project pass, and the undecoded one does not',
  { skip: !existsSync(notes) && `there is no ${notes}` },
  () => {
    const text = readFileSync(notes, 'utf8')
    const [, key = '', to = ''] = /\(secret `([^`]+)`, POST, `H=([^`]+)`\)/.exec(text) ?? []
    let seen = 0
    for (const [, name, timestamp = '', rest = ''] of text.matchAll(
      /^\|\s*(own-\d)[^|]*? ts (\d{13})([^\n]*)$/gm,
    )) {
      const quoted = [...rest.matchAll(/`([^`]*)`/g)].map(([, one]) => one as string)
      const right = quoted.find((one) => /^[A-Za-z0-9+/]{43}=$/.test(one))
      const query = quoted.find((one) => one.startsWith('H?'))
      const body = bytes(quoted.find((one) => one.startsWith('[')) ?? '')
      const given = { url: query ? to + query.slice(1) : to, body, timestamp }
      assert.equal(verify({ ...given, signature: right }, Number(timestamp), [key]), undefined, name)
      for (const other of quoted.filter((one) => /^[A-Za-z0-9+/]{43}=$/.test(one) && one !== right))
        assert.equal(verify({ ...given, signature: other }, Number(timestamp), [key]), 'wrong', name)
      seen += 1
    }
    assert.equal(seen, 3)
  },
)

const now = 1_790_000_000_000
const at = String(now)
const genuine = () => ({ signature: sign({}, at), timestamp: at })

test('a genuine one passes: at once, at either end of five minutes, and by the older of two secrets', () => {
  assert.equal(verify(genuine(), now), undefined)
  assert.equal(verify(genuine(), now + freshForMs), undefined)
  assert.equal(verify(genuine(), now - freshForMs), undefined)
  assert.equal(verify(genuine(), now, ['the-new-one', secret]), undefined)
})

test('what HubSpot decodes in a URL is decoded, and nothing else', () => {
  const raw = '?a=%3A%2F%3F%40%21%24%27%28%29%2A%2C%3B&b=%20%26%3D%25%2B'
  const asSigned = `?a=:/?@!$'()*,;&b=%20%26%3D%25%2B`
  assert.equal(
    verify({ url: url + raw, signature: sign({ url: url + asSigned }, at), timestamp: at }, now),
    undefined,
  )
  for (const other of [raw, decodeURIComponent(raw)])
    assert.equal(
      verify({ url: url + raw, signature: sign({ url: url + other }, at), timestamp: at }, now),
      'wrong',
    )
})

describe('what only resembles it does not pass', () => {
  const hex = Buffer.from(sign({}, at), 'base64').toString('hex')
  const right = sign({}, at)
  const body = '[{"eventId":1,"objectId":7}]'
  const forged: [name: string, signed: Partial<Signed>, fault: string, nowMs?: number][] = [
    ['no signature', { timestamp: at }, 'missing'],
    ['no timestamp', { signature: right }, 'missing'],
    ['neither, and version 1 instead', { body: bytes(body) }, 'missing'],
    ['an empty signature', { signature: '', timestamp: at }, 'malformed'],
    ['an empty timestamp', { signature: sign({}, ''), timestamp: '' }, 'malformed'],
    ['older than five minutes', genuine(), 'stale', now + freshForMs + 1],
    ['from the future', genuine(), 'stale', now - freshForMs - 1],
    ['a time that is no number', { signature: sign({}, 'now'), timestamp: 'now' }, 'malformed'],
    ['a time of NaN', { signature: sign({}, 'NaN'), timestamp: 'NaN' }, 'malformed'],
    ['a time of Infinity', { signature: sign({}, 'Infinity'), timestamp: 'Infinity' }, 'malformed'],
    [
      'a time in another base',
      { signature: sign({}, '0x1a0c54fe400'), timestamp: '0x1a0c54fe400' },
      'malformed',
    ],
    ['a time with an exponent', { signature: sign({}, '179e10'), timestamp: '179e10' }, 'malformed'],
    ['a time with a fraction', { signature: sign({}, `${at}.0`), timestamp: `${at}.0` }, 'malformed'],
    ['a time with a sign', { signature: sign({}, `+${at}`), timestamp: `+${at}` }, 'malformed'],
    ['a time with room around it', { signature: sign({}, ` ${at}`), timestamp: ` ${at}` }, 'malformed'],
    ['a negative time', { signature: sign({}, `-${at}`), timestamp: `-${at}` }, 'malformed'],
    ['a time in seconds', { signature: sign({}, '1790000000'), timestamp: '1790000000' }, 'malformed'],
    ['another time than was signed', { signature: right, timestamp: String(now + 1) }, 'wrong'],
    ['the right one in hex', { signature: hex, timestamp: at }, 'malformed'],
    [
      'in base64url',
      { signature: sign({ body: '[4]' }, at).replace(/[+/]/g, '-').replace('=', ''), timestamp: at },
      'malformed',
    ],
    ['without its padding', { signature: right.slice(0, -1), timestamp: at }, 'malformed'],
    [
      'in other letters of the same bits',
      { signature: `${right.slice(0, 42)}${nextLetter(right[42])}=`, timestamp: at },
      'wrong',
    ],
    ['twice, as a repeated header', { signature: `${right}, ${right}`, timestamp: at }, 'malformed'],
    ['a repeated time', { signature: right, timestamp: `${at}, ${at}` }, 'malformed'],
    ['cut short', { signature: right.slice(0, 20), timestamp: at }, 'malformed'],
    [
      'a letter changed',
      { signature: `${right[0] === 'A' ? 'B' : 'A'}${right.slice(1)}`, timestamp: at },
      'wrong',
    ],
    [
      'another host',
      { signature: sign({ url: 'https://evil.example/webhook_uri' }, at), timestamp: at },
      'wrong',
    ],
    [
      'http for https',
      { signature: sign({ url: url.replace('https', 'http') }, at), timestamp: at },
      'wrong',
    ],
    ['another path', { signature: sign({ url: `${url}/` }, at), timestamp: at }, 'wrong'],
    ['a query that was not signed', { ...genuine(), url: `${url}?a=1` }, 'wrong'],
    ['another method', { signature: sign({ method: 'GET' }, at), timestamp: at }, 'wrong'],
    [
      'a byte of the body changed',
      { signature: sign({ body }, at), timestamp: at, body: bytes(body.replace('7', '8')) },
      'wrong',
    ],
    [
      'the same JSON, written anew',
      { signature: sign({ body: '[{"a": 1}]' }, at), timestamp: at, body: bytes('[{"a":1}]') },
      'wrong',
    ],
    [
      'the same characters, composed otherwise',
      { signature: sign({ body: '["\u00e9"]' }, at), timestamp: at, body: bytes('["e\u0301"]') },
      'wrong',
    ],
    [
      'a byte order mark before it',
      { ...genuine(), body: Uint8Array.of(0xef, 0xbb, 0xbf, ...bytes('[]')) },
      'wrong',
    ],
    ['another secret', { signature: sign({ key: 'another' }, at), timestamp: at }, 'wrong'],
    [
      'an unknown secret',
      { signature: createHmac('sha256', '').update(`POST${url}[]${at}`).digest('base64'), timestamp: at },
      'wrong',
    ],
    [
      'version 1’s way: a bare hash',
      { signature: createHash('sha256').update(`${secret}[]`).digest('base64'), timestamp: at },
      'wrong',
    ],
    [
      'version 2’s way: hash of method, URL and body',
      { signature: createHash('sha256').update(`${secret}POST${url}[]`).digest('base64'), timestamp: at },
      'wrong',
    ],
  ]
  for (const [name, signed, fault, nowMs = now] of forged)
    test(name, () => assert.equal(verify(signed, nowMs), fault))
  test('and there are at least thirty of them', () => assert.ok(forged.length >= 30, `${forged.length}`))
})

/** The last letter before the padding carries two bits that decoders drop: its neighbour decodes to the same bytes. */
function nextLetter(letter: string | undefined): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  const place = letters.indexOf(letter ?? '')
  return letters[place ^ 1] as string
}
