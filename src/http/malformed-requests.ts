/** Refuses what is not a proper HTTP request, with the same error body as any other refusal. */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { AppError, type ErrorCode } from '../lib/errors.ts'
import { newId } from '../lib/ids.ts'
import type { Log } from '../lib/log.ts'
import { problemBody } from './error-reply.ts'

const maxHeaders = 100

type Headers = Readonly<Record<string, string>>

/**
 * Refuses requests that parse but are ambiguous, or have more headers than any client needs.
 *
 * @throws AppError bad_request | request_too_large
 */
export function refuseAmbiguousRequest({ raw }: FastifyRequest): void {
  const names = raw.rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase())
  if (names.length > maxHeaders) throw new AppError('request_too_large', 'The request has too many headers')
  const hosts = names.filter((name) => name === 'host').length
  if (hosts > 1 || (hosts === 0 && raw.httpVersion !== '1.0')) {
    throw new AppError('bad_request', 'The request must have exactly one Host header')
  }
  // Absolute targets are for proxies. One that names another host would be answered as ours.
  if (!raw.url?.startsWith('/')) throw new AppError('bad_request', 'The request target must be a path')
  const [, query = ''] = raw.url.split('?', 2)
  if (query.includes('%') && !isPercentEncoded(query))
    throw new AppError('bad_request', 'The query must be percent-encoded UTF-8')
}

/** The parser of queries would leave what it cannot decode as it is. */
function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

/**
 * Writes the error to the bare socket, because a request that could not be parsed has no reply
 * object.
 */
export function refuseMalformedRequest(
  error: Error & { code?: string },
  socket: Socket,
  log: Log,
  secure: Headers,
): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const [code, status, phrase, message] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? (['request_too_large', 431, 'Request Header Fields Too Large', 'The headers are too large'] as const)
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? (['bad_request', 408, 'Request Timeout', 'The request took too long to arrive'] as const)
        : (['bad_request', 400, 'Bad Request', 'The request could not be read'] as const)
  const { requestId, body } = refusal(code, message, status, error.code, log)
  const headers = { ...headersOf(requestId, secure), 'content-length': Buffer.byteLength(body) }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${status} ${phrase}\r\n${lines.join('')}\r\n${body}`)
}

/** Refuses an Expect header other than 100-continue, for which Node would send no body. */
export function refuseExpectHeader(response: ServerResponse, log: Log, secure: Headers): void {
  const message = 'The only supported Expect header is 100-continue'
  const { requestId, body } = refusal('bad_request', message, 417, 'EXPECT', log)
  response.writeHead(417, headersOf(requestId, secure)).end(body)
}

const headersOf = (requestId: string, secure: Headers) => ({
  'content-type': 'application/json; charset=utf-8',
  'request-id': requestId,
  connection: 'close',
  ...secure,
})

/** @param reason the parser's code only: its message and the bytes it read may quote the request */
function refusal(code: ErrorCode, message: string, status: number, reason: string | undefined, log: Log) {
  const requestId = newId()
  log.info({ request_id: requestId, code, status, reason }, 'request refused')
  return { requestId, body: JSON.stringify(problemBody(code, message, status, requestId)) }
}
