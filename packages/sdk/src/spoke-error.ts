/** The error of a call: Spoke's own code where Spoke answered, and one of three codes where it did not. */
import type { ErrorCode } from './generated/operations.ts'
import type { components } from './generated/schema.ts'
import { readRetryAfter } from './retry.ts'

export type { ErrorCode }

/**
 * Where there is no answer of Spoke: the connection failed, an attempt took too long, or something else answered, such
 * as a proxy.
 */
export type ClientErrorCode = 'connection_failed' | 'timeout' | 'unexpected_response'

type Problem = components['schemas']['Problem']
export type ErrorDetail = NonNullable<Problem['errors']>[number]

export interface SpokeErrorFields {
  code: string
  status: number
  requestId?: string | undefined
  details?: readonly ErrorDetail[] | undefined
  retryAfterMs?: number | undefined
  cause?: unknown
}

export class SpokeError extends Error {
  override readonly name = 'SpokeError'
  /** Stable: check it, not the message. A newer Spoke may send codes that this version does not list. */
  readonly code: ErrorCode | ClientErrorCode | (string & Record<never, never>)
  /** The HTTP status; 0 without a response. */
  readonly status: number
  /** To find the request in Spoke's log. */
  readonly requestId: string | undefined
  /** What is wrong with the request, by field or parameter; empty for other errors. */
  readonly details: readonly ErrorDetail[]
  /** How long Spoke asks to wait before another attempt. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, { code, status, requestId, details, retryAfterMs, cause }: SpokeErrorFields) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.status = status
    this.requestId = requestId
    this.details = details ?? []
    this.retryAfterMs = retryAfterMs
  }
}

/** @param body the parsed JSON of the response, or its text */
export function errorOfResponse(response: Response, body: unknown): SpokeError {
  const { status, headers } = response
  const requestId = headers.get('request-id') ?? undefined
  const retryAfterMs = readRetryAfter(headers.get('retry-after'))
  if (isProblem(body))
    return new SpokeError(body.error, {
      code: body.code,
      status,
      requestId: body.request_id ?? requestId,
      details: body.errors,
      retryAfterMs,
    })
  return new SpokeError(`the response has status ${status} and is no answer of Spoke`, {
    code: 'unexpected_response',
    status,
    requestId,
    retryAfterMs,
  })
}

const isProblem = (body: unknown): body is Problem =>
  typeof body === 'object' &&
  body !== null &&
  typeof (body as Problem).code === 'string' &&
  typeof (body as Problem).error === 'string'
