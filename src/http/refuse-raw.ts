/** What is refused before there is a proper request: in the same shape, over whatever is there to answer with. */
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
 * Requests that parse but say two things at once, or more than anybody needs.
 *
 * @throws AppError bad_request | request_too_large
 */
export function refuseOdd({ raw }: FastifyRequest): void {
  const names = raw.rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase())
  if (names.length > maxHeaders) throw new AppError('request_too_large', 'The request has too many headers')
  const hosts = names.filter((name) => name === 'host').length
  if (hosts > 1 || (hosts === 0 && raw.httpVersion !== '1.0')) {
    throw new AppError('bad_request', 'The request must have one Host header')
  }
  // The absolute form is for proxies; another host's name in it would be answered as ours.
  if (!raw.url?.startsWith('/')) throw new AppError('bad_request', 'The target must be a path')
}

/** What could not be parsed as a request has no reply object; it gets the same body over the bare socket. */
export function refuseRaw(error: Error & { code?: string }, socket: Socket, log: Log, secure: Headers): void {
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

/** An Expect header other than 100-continue: Node would answer without a body. */
export function refuseExpectation(response: ServerResponse, log: Log, secure: Headers): void {
  const message = 'The Expect header asks for what is not done here'
  const { requestId, body } = refusal('bad_request', message, 417, 'EXPECT', log)
  response.writeHead(417, headersOf(requestId, secure)).end(body)
}

const headersOf = (requestId: string, secure: Headers) => ({
  'content-type': 'application/json; charset=utf-8',
  'request-id': requestId,
  connection: 'close',
  ...secure,
})

/** @param reason the parser's code: its message, and the bytes it met, may quote the request */
function refusal(code: ErrorCode, message: string, status: number, reason: string | undefined, log: Log) {
  const requestId = newId()
  log.info({ request_id: requestId, code, status, reason }, 'request refused')
  return { requestId, body: JSON.stringify(problemBody(code, message, status, requestId)) }
}
