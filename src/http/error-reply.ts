/**
 * Sends every error as one object that fits the specification and RFC 9457, with its status. Over
 * 200 lines because what fastify reports is converted here too.
 */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { sendHtmlPage } from '../api/html-page.ts'
import { toDatabaseAppError } from '../db/database-errors.ts'
import { asAppError } from '../hubspot/as-app-error.ts'
import { invalidState } from '../integrations/oauth/authorize.ts'
import {
  AppError,
  type ErrorCode,
  type ErrorDetail,
  integrationNotFound,
  isTenantErasing,
  tenantNotFound,
} from '../lib/errors.ts'
import { SealError } from '../lib/seal.ts'
import { maySend, statusOf } from './route-errors.ts'

const inNeed = new Set<ErrorCode>(['overloaded', 'disk_full'])

const title = (code: string) => code.charAt(0).toUpperCase() + code.slice(1).replaceAll('_', ' ')

export function problemBody(
  code: string,
  message: string,
  status: number,
  requestId: string,
  errors?: ErrorDetail[],
) {
  return {
    success: false,
    error: message,
    code,
    request_id: requestId,
    // docs/errors.md has an entry for each.
    type: `urn:spoke:problem:${code}`,
    title: title(code),
    status,
    detail: message,
    ...(errors ? { errors } : {}),
  }
}

/** Logged for an error that the OpenAPI document does not have for the route. Tests fail on it. */
export const undeclaredError = 'a route sent an error that it does not declare'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** For a route that people open in a browser: the HTML page for an error code. */
    errorPage?: (code: string) => string
    /**
     * For a route that creates a tenant: it reports that a tenant with this id is being erased. All
     * other routes respond as if the tenant did not exist.
     */
    makesTenant?: true
  }
}

/**
 * Sends the error. A failure that no caller can act on becomes a generic 500 and is logged in full.
 */
export function replyError(failure: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { makesTenant } = request.routeOptions.config
  const error = isTenantErasing(failure) && !makesTenant ? goneTenantError(request) : knownError(failure)
  if (!error) {
    request.log.error({ err: failure }, 'a request failed')
    send(request, reply, problemBody('internal', 'Internal error', 500, request.id))
    return
  }
  const status = error.status ?? statusOf[error.code]
  request.log[status >= 500 ? 'warn' : 'info'](
    // An overloaded process or a full disk refuses many requests, so these are logged without a
    // stack.
    { code: error.code, err: status >= 500 && !inNeed.has(error.code) ? error : undefined },
    'request refused',
  )
  if (!maySend(request.routeOptions, status, error.code))
    request.log.error({ code: error.code, status, route: request.routeOptions.url }, undeclaredError)
  if (error.retryAfter !== undefined) reply.header('retry-after', String(error.retryAfter))
  if (error.code === 'unauthenticated') reply.header('www-authenticate', 'Bearer realm="spoke"')
  send(request, reply, problemBody(error.code, error.message, status, request.id, error.details))
}

/**
 * The same response as for a tenant that never existed. Unauthenticated callers bring a state or a
 * cookie, and learn only that it is not valid.
 */
function goneTenantError({ routeOptions: { url, config } }: FastifyRequest): AppError {
  if (config.access === 'public') return invalidState()
  return url?.startsWith('/api/tenants') ? tenantNotFound() : integrationNotFound()
}

function send(request: FastifyRequest, reply: FastifyReply, body: ReturnType<typeof problemBody>): void {
  request.refusedWith = body.code
  const { errorPage } = request.routeOptions.config
  if (errorPage && accepts(request, 'text/html')) {
    // The route's own response schema or serializer does not apply to errors.
    void sendHtmlPage(reply.serializer(String), body.status, errorPage(body.code))
    return
  }
  void reply
    .code(body.status)
    .header('vary', 'accept')
    .type(
      accepts(request, 'application/problem+json')
        ? 'application/problem+json'
        : 'application/json; charset=utf-8',
    )
    .serializer((value: unknown) => JSON.stringify(value))
    .send(body)
}

/**
 * Whether the caller accepts the type by name, with a quality above 0. Errors are never answered
 * with 406.
 */
function accepts(request: FastifyRequest, type: string): boolean {
  const ranges = (request.headers.accept ?? '').toLowerCase().split(',')
  return ranges.some((range) => {
    const [name, ...parameters] = range.split(';').map((part) => part.trim())
    return name === type && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
  })
}

/** Converts the error to an AppError; undefined when it is a bug. */
function knownError(failure: unknown): AppError | undefined {
  const error = asAppError(failure)
  if (error instanceof AppError) return error
  if (error instanceof SealError) return undefined
  return toDatabaseAppError(error) ?? fromFastify(error as FastifyError)
}

function fromFastify(error: FastifyError): AppError | undefined {
  if (error.validation) return fromValidation(error)
  switch (error.code) {
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return new AppError('validation_failed', 'The request has no body', {
        details: [{ pointer: '', rule: 'must be an object' }],
      })
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return new AppError('invalid_json', 'The body is not valid JSON')
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new AppError('body_too_large', 'The body is too large')
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new AppError('unsupported_media_type', 'The body must be application/json in UTF-8')
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new AppError('request_too_large', 'A path segment is too long', { status: 414 })
    default:
      return error.statusCode === 400
        ? new AppError('bad_request', 'The request could not be read')
        : undefined
  }
}

/** Most characters of details in one response, as JSON; the first detail is always included. */
const maxDetailsLength = 1_200

function fromValidation(error: FastifyError): AppError {
  const { validationContext: context = 'body' } = error
  const found = error.validation ?? []
  const all = found.flatMap((one) => detailsOf(one, context === 'querystring'))
  const count = found.reduce((sum, { params }) => sum + (unknownKeysOf(params)?.length ?? 1), 0)
  let room = maxDetailsLength
  const details = all.filter((detail, at) => {
    room -= JSON.stringify(detail).length
    return at === 0 || room >= 0
  })
  return context === 'params'
    ? new AppError('invalid_id', 'An id in the path is not a UUID', { details })
    : new AppError('validation_failed', sentenceOf(details[0], count - 1, context), { details })
}

type Finding = NonNullable<FastifyError['validation']>[number]

/**
 * One detail, or one for each unknown name: the message has a line for each (lib/zod-messages.ts).
 */
function detailsOf({ keyword, instancePath, message, params }: Finding, inQuery: boolean): ErrorDetail[] {
  const path = instancePath.replace(/\/$/, '')
  const keys = unknownKeysOf(params)
  if (keyword !== 'unrecognized_keys' || !keys) {
    const rule = message ?? 'is not allowed'
    // One of the values of a repeated parameter is named by the parameter.
    const [, name = ''] = path.split('/')
    return [inQuery && name !== '' ? { pointer: `/${name}`, parameter: name, rule } : { pointer: path, rule }]
  }
  return (message ?? '').split('\n').map((rule, at) => {
    const key = keys[at]
    if (!isShowable(key)) return { pointer: path, rule: ofParameter(rule, inQuery) }
    return {
      pointer: `${path}/${key}`,
      ...(inQuery ? { parameter: key } : {}),
      rule: ofParameter(rule, inQuery),
    }
  })
}

const unknownKeysOf = (params: unknown): unknown[] | undefined => {
  const { keys } = (params ?? {}) as { keys?: unknown }
  return Array.isArray(keys) ? keys : undefined
}

/** An unknown name is shown, unless it could be a token pasted in its place. */
const isShowable = (key: unknown): key is string => typeof key === 'string' && /^[A-Za-z_.-]{1,32}$/.test(key)

const ofParameter = (rule: string, inQuery: boolean) =>
  inQuery ? rule.replace('a known field', 'a known query parameter') : rule

/** The first detail as a sentence: which field, and what is wrong with it. */
function sentenceOf(first: ErrorDetail | undefined, others: number, context: string): string {
  const { pointer = '', rule = 'is not valid' } = first ?? {}
  const name = pointer.slice(1)
  const unknown = rule.startsWith('is not a known')
  const inQuery = context === 'querystring'
  const whole = inQuery ? 'The query' : 'The body'
  const named = unknown
    ? name
    : `${inQuery ? 'The query parameter' : 'The field'} ${name.replaceAll('/', '.')}`
  const where = name === '' ? (unknown ? 'A name in the request' : whole) : named
  return `${where} ${rule}${others > 0 ? `; and ${others} more` : ''}`
}
