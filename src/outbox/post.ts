/** One try to send a webhook: bounded in time and in what is read, never redirected, and only to an address that may be sent to. */
import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, buildConnector, request } from 'undici'
import type { Clock } from '../lib/clock.ts'
import { isPublic } from './address.ts'
import { byNameServers } from './lookup.ts'

/** What came of a try. gone: the receiver wants no more. refused: it answered something else than 2xx. */
export interface Sent {
  outcome: 'delivered' | 'refused' | 'gone' | 'failed'
  status: number | undefined
  /** `timeout`, `private_address`, `dns`, `tls`, `connect`, `redirect`, `broken`; undefined when it was delivered or refused. */
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
}

/** @param options those of a tenant's endpoint forbid private addresses at the moment of connecting: whatever a name meant before */
export function createPoster({
  clock,
  allowPrivate,
  timeoutMs = 15_000,
  mostChars = 1_000,
  lookup = allowPrivate ? (systemLookup as LookupFunction) : byNameServers(),
}: PosterOptions): Poster {
  const connector = buildConnector({
    timeout: timeoutMs,
    lookup: (host, options, done) =>
      lookup(host, options, (error, found, family) => {
        const addresses = (Array.isArray(found) ? found : [{ address: found }]) as Pick<
          LookupAddress,
          'address'
        >[]
        const open = allowPrivate || error || addresses.every(({ address }) => isPublic(address))
        if (open) done(error, found, family)
        else done(new PrivateAddress('the name leads to a private network'), [])
      }),
  })
  // Not so many to one address: an address is not one tenant's, and who sends has a bound of its own.
  const agent = new Agent({
    keepAliveTimeout: 5_000,
    // An address that is written out is looked up by nobody.
    connect: (options, done) => {
      const host = options.hostname.replace(/^\[|\]$/g, '')
      if (!allowPrivate && isIP(host) && !isPublic(host))
        return done(new PrivateAddress('the address is of a private network'), null)
      return connector(options, done)
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

/** A name that is looked up cannot be called off, and is not waited for. */
async function within<T>(work: Promise<T>, over: AbortSignal): Promise<T> {
  work.catch(() => {})
  over.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const stop = () => reject(over.reason)
  over.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    over.removeEventListener('abort', stop)
  }
}

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
  if (dnsCodes.includes(code) || syscall.startsWith('query')) return 'dns'
  if (connectCodes.includes(code)) return 'connect'
  if (/^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO|HOSTNAME_MISMATCH)/.test(code))
    return 'tls'
  return cause === undefined ? 'broken' : codeOf(cause)
}
