/** One call of an operation over openapi-fetch: the credential, a limit in time, repeats, and errors as SpokeError. */
import createClient from 'openapi-fetch'
import type { CallOptions, OperationFacts } from './operation-types.ts'
import { defaultRetry, delayBefore, isTransient, type RetryOptions, sleep } from './retry.ts'
import { errorOfResponse, SpokeError } from './spoke-error.ts'

type Text = string | undefined

export interface SpokeOptions {
  /** Where Spoke is, such as `https://spoke.example.com`; in a page of Spoke's own: `location.origin`. */
  baseUrl: string
  /** The admin key or a key of a tenant. Absent: open mode, or a browser's session. */
  key?: string | undefined
  /** Instead of `key`: called before each attempt, for a JWT that expires. */
  token?: (() => Text | Promise<Text>) | undefined
  /** In a browser with a session: the `csrf_token` of `GET /api/session`. */
  csrfToken?: (() => Text | Promise<Text>) | undefined
  /** Instead of the global one. */
  fetch?: ((request: Request) => Promise<Response>) | undefined
  /** Milliseconds per attempt. A connect may take HubSpot's time, a long poll 30 s. */
  timeoutMs?: number | undefined
  retry?: Partial<RetryOptions> | undefined
  /** Ends every call and stream of the client, such as at the end of the program. */
  signal?: AbortSignal | undefined
}

export interface CallParts {
  path: Record<string, string>
  query?: object | undefined
  body?: unknown
  headers?: Record<string, string>
  /** The Response, as soon as its head is there, instead of the JSON. */
  raw?: boolean
  /** Attempts in all, instead of the client's. */
  attempts?: number
}

export interface Caller {
  call(facts: OperationFacts, parts: CallParts, options?: CallOptions): Promise<unknown>
  retry: RetryOptions
  /** Aborts with the given one or with the client's. */
  signalWith(own: AbortSignal | undefined): AbortSignal | undefined
}

/** @throws TypeError for options that cannot work; its message has no value of theirs */
export function createCaller(options: SpokeOptions): Caller {
  const { key, token, csrfToken, timeoutMs: defaultTimeoutMs = 60_000 } = options
  const baseUrl = checkBaseUrl(options.baseUrl)
  if (key !== undefined && token) throw new TypeError('give either key or token')
  if (key !== undefined) checkCredential(key)
  const retry: RetryOptions = { ...defaultRetry, ...options.retry }
  const given = options.fetch
  const fetch = given ?? ((request: Request) => globalThis.fetch(request))
  const client = createClient({ baseUrl })

  async function credentials(method: string): Promise<Record<string, string>> {
    const credential = key ?? (await token?.())
    if (credential !== undefined) checkCredential(credential)
    const csrf = method === 'get' ? undefined : await csrfToken?.()
    if (csrf !== undefined) checkCredential(csrf)
    return {
      ...(credential === undefined ? {} : { authorization: `Bearer ${credential}` }),
      ...(csrf === undefined ? {} : { 'x-spoke-csrf': csrf }),
    }
  }

  async function attempt(
    facts: OperationFacts,
    { path, query, body, headers, raw }: CallParts,
    { signal, timeoutMs = defaultTimeoutMs }: CallOptions,
  ): Promise<unknown> {
    signal?.throwIfAborted()
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), timeoutMs)
    let response: Response | undefined
    let sent = false
    const send = async (request: Request) => {
      sent = true
      response = await fetch(request)
      return response
    }
    const asResponse = raw || !facts.json
    try {
      const init = {
        params: { path, query: toQuery(query) },
        ...(body === undefined ? {} : { body }),
        headers: {
          accept: 'application/json',
          ...(facts.body && body !== undefined ? { 'content-type': facts.body } : {}),
          ...(await credentials(facts.method)),
          ...headers,
        },
        // A redirect would take the body to another place; no operation for programs sends one.
        redirect: 'manual' as const,
        signal: signal ? AbortSignal.any([signal, late.signal]) : late.signal,
        parseAs: asResponse ? ('stream' as const) : ('json' as const),
        fetch: send,
      }
      // The generated types describe each operation to the caller; here it is any of them.
      const { data, error } = await client.request(facts.method as never, facts.path as never, init as never)
      const answer = response as unknown as Response
      if (asResponse && (answer.ok || answer.status === 303)) return answer
      // Spoke sends objects only: nothing, or anything else, is a proxy's.
      if (answer.ok && typeof data === 'object' && data !== null) return data
      throw errorOfResponse(answer, error)
    } catch (cause) {
      if (cause instanceof SpokeError) throw cause
      signal?.throwIfAborted()
      const requestId = response?.headers.get('request-id') ?? undefined
      const fields = { status: response?.status ?? 0, requestId, cause }
      if (late.signal.aborted)
        throw new SpokeError(`no response within ${timeoutMs} ms`, { ...fields, code: 'timeout', status: 0 })
      if (!sent) throw cause
      if (cause instanceof SyntaxError)
        throw new SpokeError('the response is not JSON', { ...fields, code: 'unexpected_response' })
      throw new SpokeError('the connection to Spoke failed', {
        ...fields,
        code: 'connection_failed',
        status: 0,
      })
    } finally {
      clearTimeout(timer)
    }
  }

  const signalWith = (own: AbortSignal | undefined) =>
    own && options.signal ? AbortSignal.any([own, options.signal]) : (own ?? options.signal)

  return {
    retry,
    signalWith,
    async call(facts, parts, { idempotencyKey, requestId, timeoutMs, signal: own } = {}) {
      const signal = signalWith(own)
      const repeatKey = facts.idempotent ? (idempotencyKey ?? newIdempotencyKey()) : undefined
      const mayRepeat = facts.method === 'get' || repeatKey !== undefined
      const attempts = mayRepeat ? (parts.attempts ?? retry.attempts) : 1
      const headers = {
        ...(repeatKey === undefined ? {} : { 'idempotency-key': repeatKey }),
        ...(requestId === undefined ? {} : { 'x-request-id': requestId }),
        ...parts.headers,
      }
      for (let failures = 1; ; failures++) {
        try {
          return await attempt(facts, { ...parts, headers }, { signal, timeoutMs })
        } catch (error) {
          if (!(error instanceof SpokeError) || failures >= attempts || !isTransient(error)) throw error
          const delay = delayBefore(failures, error.retryAfterMs, retry)
          if (delay === undefined) throw error
          await sleep(delay, signal)
        }
      }
    },
  }
}

function checkBaseUrl(given: string): string {
  const url = URL.canParse(given) ? new URL(given) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new TypeError('baseUrl must be an http or https URL')
  if (url.username || url.password || url.search || url.hash)
    throw new TypeError('baseUrl must have no user, password, query or fragment')
  return given.replace(/\/+$/, '')
}

/** A header with another character is refused by fetch, with the whole value in the message. */
function checkCredential(value: unknown): void {
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value))
    throw new TypeError('the credential is empty or has a character that no header may have')
}

/** Not randomUUID, which a page without https does not have. */
const newIdempotencyKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  )

/** @throws TypeError for an empty list: left out, it would find everything instead of nothing */
function toQuery(query: object | undefined): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(query ?? {}).map(([name, value]) => {
      if (Array.isArray(value) && value.length === 0)
        throw new TypeError(`${name} is an empty list: no value meets it`)
      return [name, value instanceof Date ? value.toISOString() : value]
    }),
  )
}
