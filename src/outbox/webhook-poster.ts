/**
 * Makes one attempt to send a webhook: limited in time and in response size, never redirected, and
 * only to permitted addresses. Over 200 lines because the address checks belong to the connection
 * that they protect.
 */
import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, buildConnector, request } from 'undici'
import { abortable } from '../lib/abortable.ts'
import type { Clock } from '../lib/clock.ts'
import { type Egress, ProxyError } from '../lib/proxy.ts'
import { createDnsLookup } from './dns-lookup.ts'
import { isPublicAddress } from './public-address.ts'

/**
 * The result of an attempt. gone: the receiver wants no more webhooks. refused: it responded with
 * something other than 2xx.
 */
export interface AttemptResult {
  outcome: 'delivered' | 'refused' | 'gone' | 'failed'
  status: number | undefined
  /**
   * `timeout`, `private_address`, `dns`, `tls`, `connect`, `proxy`, `redirect`, `broken`; undefined
   * when it was delivered or refused.
   */
  error: string | undefined
  /** The beginning of the response, as far as it is text. */
  response: string | undefined
  /** How long the receiver asked to wait. */
  retryAfterMs: number | undefined
  ms: number
}

export interface WebhookPoster {
  /** @throws the signal's reason when it aborts: it is then unknown whether the webhook arrived */
  post(
    url: string,
    headers: Record<string, string>,
    body: string,
    signal: AbortSignal,
  ): Promise<AttemptResult>
  close(): Promise<void>
}

class PrivateAddressError extends Error {
  readonly code = 'PRIVATE_ADDRESS'
}

export interface WebhookPosterOptions {
  clock: Clock
  /** For the product's own endpoint, and for developers. */
  allowPrivate: boolean
  /** Total, including the name lookup and reading the response. */
  timeoutMs?: number
  /** Of the response. */
  maxChars?: number
  lookup?: LookupFunction
  /** Absent: every connection is direct. */
  egress?: Egress | undefined
}

/**
 * @param options without `allowPrivate`, private addresses are refused at connect time, whatever
 *   the name resolved to before
 */
export function createWebhookPoster({
  clock,
  allowPrivate,
  timeoutMs = 15_000,
  maxChars = 1_000,
  lookup = allowPrivate ? (systemLookup as LookupFunction) : createDnsLookup(),
  egress,
}: WebhookPosterOptions): WebhookPoster {
  const guarded: LookupFunction = (host, options, done) =>
    lookup(host, options, (error, found, family) => {
      const open = allowPrivate || error || addressesOf(found).every(isPublicAddress)
      if (open) done(error, found, family)
      else done(new PrivateAddressError('the name resolves to a private network address'), [])
    })
  const connector = buildConnector({ timeout: timeoutMs, lookup: guarded })
  // The proxy would resolve a tenant's name too, within the operator's network. It therefore gets
  // the address that was checked to be public. TLS uses the name.
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
  // No connection limit per address: tenants may share an address, and the sender has its own
  // limit.
  const agent = new Agent({
    keepAliveTimeout: 5_000,
    // A literal address needs no lookup, so `guarded` never sees it.
    connect: (options, done) => {
      const host = bare(options.hostname)
      if (!allowPrivate && isIP(host) && !isPublicAddress(host))
        return done(new PrivateAddressError('the address is a private network address'), null)
      return throughProxy(options, done)
    },
  })

  async function post(
    url: string,
    headers: Record<string, string>,
    body: string,
    signal: AbortSignal,
  ): Promise<AttemptResult> {
    const began = clock.monotonic()
    const deadline = AbortSignal.timeout(timeoutMs)
    const over = AbortSignal.any([signal, deadline])
    const sent = (part: Pick<AttemptResult, 'outcome'> & Partial<AttemptResult>): AttemptResult => ({
      status: undefined,
      error: undefined,
      response: undefined,
      retryAfterMs: undefined,
      ...part,
      ms: clock.monotonic() - began,
    })
    try {
      const response = await abortable(
        request(url, {
          dispatcher: agent,
          method: 'POST',
          headers: { 'content-type': 'application/json', 'user-agent': 'Spoke-Webhooks', ...headers },
          body,
          signal: over,
        }),
        over,
      )
      const status = response.statusCode
      const text = await readBeginning(response.body, maxChars)
      const said = { status, response: text }
      if (status >= 200 && status < 300) return sent({ ...said, outcome: 'delivered' })
      if (status === 410) return sent({ ...said, outcome: 'gone' })
      if (status >= 300 && status < 400) return sent({ ...said, outcome: 'failed', error: 'redirect' })
      return sent({
        ...said,
        outcome: 'refused',
        retryAfterMs: retryAfterOf(response.headers['retry-after'], clock.now()),
      })
    } catch (error) {
      signal.throwIfAborted()
      return sent({ outcome: 'failed', error: deadline.aborted ? 'timeout' : appErrorCode(error) })
    }
  }
  return { post, close: () => agent.destroy() }
}

const bare = (host: string) => host.replace(/^\[|\]$/g, '')

const addressesOf = (found: string | LookupAddress[]): string[] =>
  Array.isArray(found) ? found.map(({ address }) => address) : [found]

/**
 * Reads no more than `most`. A body that breaks off or never ends is cut where it stopped: only the
 * status counts.
 */
async function readBeginning(
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
    // Use what was received.
  }
  body.destroy()
  // PostgreSQL stores no NUL.
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

function appErrorCode(error: unknown): string {
  const { code = '', syscall = '', cause } = error as { code?: string; syscall?: string; cause?: unknown }
  if (code === 'PRIVATE_ADDRESS') return 'private_address'
  if (error instanceof ProxyError) return 'proxy'
  if (dnsCodes.includes(code) || syscall.startsWith('query')) return 'dns'
  if (connectCodes.includes(code)) return 'connect'
  if (/^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO|HOSTNAME_MISMATCH)/.test(code))
    return 'tls'
  return cause === undefined ? 'broken' : appErrorCode(cause)
}
