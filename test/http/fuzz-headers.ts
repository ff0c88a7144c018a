/** The fuzzer's headers: the credential, and what a caller may add to it. */
import fc from 'fast-check'
import { canary } from './fuzz-values.ts'

/** Latin, as a header may be on the wire; what a socket refuses at once is the wire's own test. */
const headerValue = fc
  .string({
    unit: fc
      .integer({ min: 0x20, max: 0xff })
      .map((code) => String.fromCharCode(code === 0x7f ? 0x20 : code)),
    maxLength: 40,
  })
  .map((text) => `${canary}${text}`.trimEnd())

export const extra = fc.oneof(
  { weight: 30, arbitrary: fc.constant<Record<string, string | string[]>>({}) },
  {
    weight: 20,
    arbitrary: fc
      .constantFrom(
        'application/problem+json',
        'text/html',
        'image/png',
        '*/*',
        'application/problem+json;q=0',
        ';;,,',
        'text/html;q=0.1, */*',
      )
      .map((accept) => ({ accept })),
  },
  {
    weight: 10,
    arbitrary: fc
      .tuple(
        fc.constantFrom(
          'accept',
          'cookie',
          'x-forwarded-for',
          'forwarded',
          'origin',
          'referer',
          'last-event-id',
          'range',
          'if-none-match',
          'user-agent',
          'x-odd',
        ),
        headerValue,
      )
      .map(([name, value]) => ({ [name]: value })),
  },
  // One that is safe for a log is accepted and returned.
  headerValue.map((text) => ({ 'x-request-id': `${text}!` })),
  fc.oneof(fc.constantFrom('k1', 'k2', 'k3'), headerValue).map((key) => ({ 'idempotency-key': key })),
  fc.constantFrom<Record<string, string | string[]>>(
    { 'x-http-method-override': 'DELETE', 'x-forwarded-host': 'evil.example', 'x-original-url': '/metrics' },
    { 'if-none-match': '*', range: 'bytes=0-1', te: 'trailers' },
    { upgrade: 'websocket', 'sec-websocket-key': canary },
    { expect: canary },
    { 'x-many': Array.from({ length: 120 }, () => 'a') },
    { 'x-long': 'a'.repeat(17_000) },
    { 'last-event-id': '9'.repeat(30) },
  ),
)

/** Mostly the right key, since nothing else is reached without it. */
export const credential = (adminKey: string): fc.Arbitrary<Record<string, string>> =>
  fc.oneof(
    { weight: 95, arbitrary: fc.constant({ authorization: `Bearer ${adminKey}` }) },
    { weight: 2, arbitrary: fc.constant({}) },
    { weight: 3, arbitrary: headerValue.map((text) => ({ authorization: `Bearer ${text}` })) },
  )
