/** Sends one request to HubSpot, caps the response, and turns failures into errors by kind. */
import { type Dispatcher, request } from 'undici'
import type { Clock } from '../../lib/clock.ts'
import { errorOf, HubSpotError, hubSpotOAuthError } from '../hubspot-error.ts'
import type { HubSpotCall, HubSpotResponse } from './call.ts'
import { parseRateHeaders, type RateFacts } from './rate-headers.ts'

/**
 * The limits allowed a call.
 *
 * @param at about when HubSpot counted it, on our monotonic clock
 */
export type OnRateFacts = (facts: RateFacts, at: number) => Promise<void>

const maxBytes = 32 * 1024 * 1024
/**
 * HubSpot's errors are a few hundred bytes. No more than this is read, and a longer one counts as a
 * page.
 */
const maxErrorBytes = 64 * 1024

/** HubSpot did the work, or refused it for its content: the limits allowed it. */
const counted = (status: number) => status < 500 && ![401, 408, 423, 429, 477].includes(status)

/**
 * Sends one request; redirects are not followed. The whole body is read before any of it is used.
 *
 * @throws HubSpotError by HubSpot's response; without one, the transport's own error or the
 *   signal's reason
 */
export async function sendHubSpotRequest(
  deps: { apiUrl: string; clock: Clock; heard: OnRateFacts },
  call: HubSpotCall,
  signal: AbortSignal,
  dispatcher: Dispatcher,
): Promise<HubSpotResponse> {
  const { apiUrl, clock } = deps
  const url = urlOf(call, apiUrl)
  for (const [name, value] of Object.entries(call.query ?? {})) url.searchParams.set(name, value)
  const headers: Record<string, string> = { accept: 'application/json', 'accept-encoding': 'identity' }
  if (call.token) headers.authorization = `Bearer ${call.token.reveal()}`
  if (call.json !== undefined) headers['content-type'] = 'application/json'
  if (call.form) headers['content-type'] = 'application/x-www-form-urlencoded'
  const body = call.form
    ? new URLSearchParams(call.form).toString()
    : call.json === undefined
      ? null
      : JSON.stringify(call.json)
  const began = clock.monotonic()
  const answer = await request(url, { dispatcher, method: call.method, headers, body, signal })
  const status = answer.statusCode
  if (counted(status)) await deps.heard(parseRateHeaders(answer.headers), (began + clock.monotonic()) / 2)
  if (status >= 200 && status < 300) {
    const text = await readCapped(call.endpoint, answer.body, call.maxBytes ?? maxBytes)
    const parsed = parseJson(text.toString('utf8'))
    if (parsed === undefined && status !== 204 && !call.bodyless)
      throw new HubSpotError('invalid', call.endpoint, { status })
    return { status, body: parsed, bytes: text.length, date: dateOf(answer.headers.date, clock) }
  }
  const retryAfter = [answer.headers['retry-after']].flat()[0]
  const parsed = parseJson(await readError(answer.body))
  throw (call.form ? hubSpotOAuthError : errorOf)(call.endpoint, status, parsed, retryAfter)
}

/**
 * An address that HubSpot gave is followed only over https, so that the server's identity is
 * verified, or on the origin of HubSpot's API. The address carries its own authorisation: our
 * credentials are never sent there.
 */
function urlOf({ endpoint, path, token, form }: HubSpotCall, apiUrl: string): URL {
  if (typeof path === 'string') return new URL(path, apiUrl)
  const url = URL.parse(path.reveal())
  const near = url?.origin === new URL(apiUrl).origin
  if (!url || (url.protocol !== 'https:' && !near) || url.username !== '' || url.password !== '')
    throw new HubSpotError('invalid', endpoint)
  if (token || form) throw new TypeError('a token may be sent only to HubSpot’s API')
  return url
}

async function readCapped(endpoint: string, body: AsyncIterable<Buffer>, most: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > most) throw new HubSpotError('too_large', endpoint)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The body of an error, cut off where it is too long to come from the API. */
async function readError(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    size += chunk.length
    if (size > maxErrorBytes) break
  }
  return Buffer.concat(chunks).toString('utf8')
}

/**
 * The value, or undefined when the text is not JSON (an error page of the edge, a cut body, an
 * empty one).
 */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function dateOf(header: string | string[] | undefined, clock: Clock): Date {
  const ms = Date.parse([header].flat()[0] ?? '')
  return new Date(Number.isNaN(ms) ? clock.now() : ms)
}
