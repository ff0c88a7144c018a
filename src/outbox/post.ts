/** One try to send a webhook: bounded in time and in what is read, never redirected, and only to an address that may be sent to. */
import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, buildConnector, request } from 'undici'
import type { Clock } from '../lib/clock.ts'
import { type Egress, ProxyError } from '../lib/proxy.ts'
import { within } from '../lib/within.ts'
import { byNameServers } from './lookup.ts'
import { isPublic } from './public-address.ts'

/** What came of a try. gone: the receiver wants no more. refused: it answered something else than 2xx. */
export interface Sent {
  outcome: 'delivered' | 'refused' | 'gone' | 'failed'
  status: number | undefined
  /** `timeout`, `private_address`, `dns`, `tls`, `connect`, `proxy`, `redirect`, `broken`; undefined when it was delivered or refused. */
  error: string | undefined
  /** The beginning of the answer, as far as it is text. */
  answer: string | undefined
  /** The receiver asks to wait so long. */
  retryAfterMs: number | undefined
  ms: number
}

export interface Poster {
  /** @throws the signal's reason when it aborts: then nobody knows whether it arrived */
  post(url: string, headers: Record<string, string>, body: string, signal: AbortSignal): Promise<Sent>
  close(): Promise<void>
}

class PrivateAddress extends Error {
  readonly code = 'PRIVATE_ADDRESS'
}

export interface PosterOptions {
  clock: Clock
  /** For the product's own endpoint, and for developers. */
  allowPrivate: boolean
  /** Total, with the name looked up and the answer read. */
  timeoutMs?: number
  /** Of the answer. */
  mostChars?: number
  lookup?: LookupFunction
  /** Absent: every connection is direct. */
  egress?: Egress | undefined
}

/** @param options those of a tenant's endpoint forbid private addresses at the moment of connecting: whatever a name meant before */
export function createPoster({
  clock,
  allowPrivate,
  timeoutMs = 15_000,
  mostChars = 1_000,
  lookup = allowPrivate ? (systemLookup as LookupFunction) : byNameServers(),
  egress,
}: PosterOptions): Poster {
  const guarded: LookupFunction = (host, options, done) =>
    lookup(host, options, (error, found, family) => {
      const open = allowPrivate || error || addressesOf(found).every(isPublic)
      if (open) done(error, found, family)
      else done(new PrivateAddress('the name leads to a private network'), [])
    })
  const connector = buildConnector({ timeout: timeoutMs, lookup: guarded })
  // Also of a tenant's endpoint it would be the proxy that resolves the name, within the operator's network: it gets the address
  // that was found to be public. TLS is with the name.
  const throughProxy: buildConnector.connector = (options, done) => {
    const proxy = egress?.proxyFor(options)
    if (!egress || !proxy) return connector(options, done)
    if (allowPrivate || isIP(bare(options.hostname)))
      return egress.tunnel(proxy, options, options.hostname, done)
    guarded(options.hostname, { all: true }, (error, found) => {
      const [address] = addressesOf(found)
      if (error || address === undefined) done(error ?? new Error('no address'), null)
      else egress.tunnel(proxy, options, address, done)
    })
  }
  // Not so many to one address: an address is not one tenant's, and who sends has a bound of its own.
  const agent = new Agent({
    keepAliveTimeout: 5_000,
    // An address that is written out is looked up by nobody.
    connect: (options, done) => {
      const host = bare(options.hostname)
      if (!allowPrivate && isIP(host) && !isPublic(host))
        return done(new PrivateAddress('the address is of a private network'), null)
      return throughProxy(options, done)
    },
  })

  async function post(
    url: string,
    headers: Record<string, string>,
    body: string,
    signal: AbortSignal,
  ): Promise<Sent> {
    const began = clock.monotonic()
    const deadline = AbortSignal.timeout(timeoutMs)
    const over = AbortSignal.any([signal, deadline])
    const sent = (part: Pick<Sent, 'outcome'> & Partial<Sent>): Sent => ({
      status: undefined,
      error: undefined,
      answer: undefined,
      retryAfterMs: undefined,
      ...part,
      ms: clock.monotonic() - began,
    })
    try {
      const answer = await within(
        request(url, {
          dispatcher: agent,
          method: 'POST',
          headers: { 'content-type': 'application/json', 'user-agent': 'Spoke-Webhooks', ...headers },
          body,
          signal: over,
        }),
        over,
      )
      const status = answer.statusCode
      const text = await beginningOf(answer.body, mostChars)
      const said = { status, answer: text }
      if (status >= 200 && status < 300) return sent({ ...said, outcome: 'delivered' })
      if (status === 410) return sent({ ...said, outcome: 'gone' })
      if (status >= 300 && status < 400) return sent({ ...said, outcome: 'failed', error: 'redirect' })
      return sent({
        ...said,
        outcome: 'refused',
        retryAfterMs: retryAfterOf(answer.headers['retry-after'], clock.now()),
      })
    } catch (error) {
      signal.throwIfAborted()
      return sent({ outcome: 'failed', error: deadline.aborted ? 'timeout' : codeOf(error) })
    }
  }
  return { post, close: () => agent.destroy() }
}

const bare = (host: string) => host.replace(/^\[|\]$/g, '')

const addressesOf = (found: string | LookupAddress[]): string[] =>
  Array.isArray(found) ? found.map(({ address }) => address) : [found]

/** What is beyond it is not read. A body that breaks off or never ends is as long as it came: what counts is the status. */
async function beginningOf(
  body: AsyncIterable<Buffer> & { destroy(): unknown },
  most: number,
): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of body) {
      chunks.push(chunk)
      size += chunk.length
      if (size > most) break
    }
  } catch {
    // Told by what came.
  }
  body.destroy()
  // PostgreSQL holds no NUL.
  const text = new TextDecoder().decode(Buffer.concat(chunks).subarray(0, most)).replaceAll('\0', '\ufffd')
  return text === '' ? undefined : text
}

function retryAfterOf(header: string | string[] | undefined, now: number): number | undefined {
  const text = [header].flat()[0]
  if (text === undefined) return undefined
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined
}

const dnsCodes = ['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'ENODATA', 'ESERVFAIL']
const connectCodes = [
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
  'EACCES',
]

function codeOf(error: unknown): string {
  const { code = '', syscall = '', cause } = error as { code?: string; syscall?: string; cause?: unknown }
  if (code === 'PRIVATE_ADDRESS') return 'private_address'
  if (error instanceof ProxyError) return 'proxy'
  if (dnsCodes.includes(code) || syscall.startsWith('query')) return 'dns'
  if (connectCodes.includes(code)) return 'connect'
  if (/^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO|HOSTNAME_MISMATCH)/.test(code))
    return 'tls'
  return cause === undefined ? 'broken' : codeOf(cause)
}
