/** What an operation of the document gets from its route's `config`: errors, headers, security. */
import type { FastifyContextConfig } from 'fastify'
import { idempotencyKeyForm } from '../api/idempotency.ts'
import type { RouteAccess } from './gate.ts'
import type { Operation, Response } from './openapi-components.ts'
import { errorsOf } from './route-errors.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The headers that the route reads. */
    requestHeaders?: readonly (keyof typeof requestHeaders)[]
    /** The headers of its success responses, besides those of every route. */
    responseHeaders?: readonly (keyof typeof headers)[]
    /** The media type of a success response that is not JSON, what the response is, and other types of it. */
    sends?: readonly [mediaType: string, description: string, ...mediaTypes: string[]]
    /** The route may respond 303: where that leads to. */
    redirects?: string
  }
}

export const requestHeaders = {
  'Idempotency-Key': {
    type: 'string',
    pattern: idempotencyKeyForm.source,
    description: 'Repeats the response of an earlier request with the same key, for 24 hours.',
  },
  'Last-Event-ID': {
    type: 'string',
    description: 'The id of the last event that was received: the stream continues after it.',
  },
  'If-None-Match': {
    type: 'string',
    description: 'ETags of responses that the caller has, or `*`: if one is still right, 304 without a body.',
  },
} as const

const header = (description: string, type = 'string') => ({ description, schema: { type } })

/** Response headers. */
export const headers = {
  'Request-Id': header('As X-Request-Id of the request, or a new id; also on each log line of the request'),
  RateLimit: header(
    'For a tenant’s credential, and when a limit is reached: how many requests are left, and in how many seconds the limit resets',
  ),
  'RateLimit-Policy': header('With RateLimit: the limit, and its window in seconds'),
  'Retry-After': header('Seconds to wait', 'integer'),
  'WWW-Authenticate': header('Which credential to send'),
  Location: header('Path of the run, or of the next page'),
  ETag: header('Of this response; send it as If-None-Match to ask whether it is still right'),
  'Set-Cookie': header('The cookie of the session or of the page, or its removal'),
  'Content-Disposition': header('A name for the file'),
}

type HeaderName = keyof typeof headers

const refsTo = (names: readonly HeaderName[]) =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))

const successes: Record<string, string> = { 201: 'Created', 202: 'Accepted', 204: 'No Content' }

/** Codes whose errors have Retry-After, always or when the time is known. */
const retryable =
  /^(rate_limited|overloaded|disk_full|unavailable|hubspot_unavailable|hubspot_limit|tenant_erasing|idempotency_in_progress)$/

/** The headers of every response. Public routes have those of the limit only with a 429. */
const commonHeaders = (access: RouteAccess): HeaderName[] =>
  access === 'public' || access === 'signed'
    ? ['Request-Id']
    : ['Request-Id', 'RateLimit', 'RateLimit-Policy']

function errorResponse(codes: readonly string[], access: RouteAccess): Response {
  const names = commonHeaders(access)
  if (codes.some((code) => retryable.test(code))) names.push('Retry-After')
  if (codes.includes('unauthenticated')) names.push('WWW-Authenticate')
  return {
    description: codes.map((code) => `\`${code}\``).join(', '),
    'x-error-codes': codes,
    headers: refsTo(names),
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Problem' } } },
  }
}

/** Error responses of many routes, defined once: the codes, in the order of `errorsOf`. */
const shared = Object.entries({
  BadRequest: 'bad_request validation_failed invalid_id',
  BadRequestOrBody: 'bad_request validation_failed invalid_id invalid_json',
  Unauthenticated: 'unauthenticated',
  Forbidden: 'insufficient_scope forged_request',
  NotFound: 'integration_not_found',
  InProgress: 'idempotency_in_progress',
  BodyTooLarge: 'body_too_large',
  UnsupportedMediaType: 'unsupported_media_type',
  Misdirected: 'misdirected_request',
  IdempotencyMismatch: 'idempotency_mismatch',
  Limited: 'rate_limited',
  RequestTooLarge: 'request_too_large',
  Internal: 'internal',
  Unavailable: 'overloaded disk_full unavailable',
})

/** `components.responses` */
export const responses = Object.fromEntries(
  shared.map(([name, codes]) => [name, errorResponse(codes.split(' '), 'read')]),
)

export interface DescribedRoute {
  method: string | string[]
  url: string
  config?: FastifyContextConfig
}

/** Completes the operation in place. */
export function describeOperation(operation: Operation, route: DescribedRoute): void {
  const { access = 'public', probe, etag, sends, redirects } = route.config ?? {}
  const responseHeaders = [...(route.config?.responseHeaders ?? []), ...(etag ? (['ETag'] as const) : [])]
  operation.security = securityOf(access)
  operation['x-spoke-access'] = access
  if (probe) operation['x-spoke-probe'] = true
  const common = commonHeaders(access)
  for (const [status, response] of Object.entries(operation.responses)) {
    response.headers = refsTo([...common, ...responseHeaders])
    if (response.description === 'Default Response') response.description = successes[status] ?? 'Success'
    if (sends && status === '200') {
      const [first, description, ...more] = sends
      if (!response.content) response.description = description
      for (const media of [first, ...more])
        response.content = { ...response.content, [media]: { schema: { type: 'string' } } }
    }
  }
  if (etag) {
    const headers = refsTo([...common, ...responseHeaders])
    operation.responses['304'] = { description: 'Not Modified: the caller has this response', headers }
  }
  if (redirects !== undefined) {
    if (!sends) operation.responses = {}
    const names = [...common, ...responseHeaders, 'Location'] as const
    operation.responses['303'] = { description: redirects, headers: refsTo(names) }
  }
  for (const [status, codes] of errorsOf(route)) {
    const [name] = shared.find(([, list]) => list === codes.join(' ')) ?? []
    operation.responses[status] ??= name
      ? { $ref: `#/components/responses/${name}` }
      : errorResponse(codes, access)
  }
}

function securityOf(access: RouteAccess): Record<string, string[]>[] {
  if (access === 'public') return []
  if (access === 'signed') return [{ hubSpotSignature: [] }]
  return [{ bearer: [] }, { session: [] }]
}
