/** Requests that no ordinary client would send, and their raw responses. */
import { AssertionError } from 'node:assert'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'

export interface Sent {
  method?: string
  path: string
  headers?: Record<string, string | string[]>
  body?: string | Buffer
  /** No answer for so long is none, ms. */
  withinMs?: number
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely
  json: any
}

export function send(
  url: string,
  { method = 'GET', path, headers = {}, body, withinMs = 30_000 }: Sent,
): Promise<Answer> {
  const { hostname, port } = new URL(url)
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { hostname, port, method, path, headers: { ...length, ...headers }, agent: false },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve(answerOf(response.statusCode ?? 0, response.headers, Buffer.concat(chunks).toString())),
        )
      },
    )
    request.on('error', reject)
    request.setTimeout(withinMs, () => request.destroy(new Error(`no answer to ${method} ${path}`)))
    request.end(body)
  })
}

/** Writes bytes to a bare socket and reads until the server closes it. */
export async function sendRaw(url: string, bytes: string | Buffer): Promise<Answer & { ms: number }> {
  const { hostname, port } = new URL(url)
  const began = performance.now()
  const text = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes))
    let read = ''
    socket.on('data', (chunk) => {
      read += chunk
    })
    socket.on('close', () => resolve(read))
    socket.on('error', (error: Error & { code?: string }) =>
      error.code === 'ECONNRESET' || error.code === 'EPIPE' ? resolve(read) : reject(error),
    )
    socket.setTimeout(8_000, () => {
      socket.destroy()
      reject(new AssertionError({ message: `still open after 8 s, having read: ${read}` }))
    })
  })
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [line = '', ...fields] = head.split('\r\n')
  const headers = Object.fromEntries(
    fields.map((field) => [field.split(':')[0]?.toLowerCase(), field.slice(field.indexOf(':') + 1).trim()]),
  )
  const sent = rest.join('\r\n\r\n')
  // One chunk holds every answer that these tests read.
  const chunked = headers['transfer-encoding'] === 'chunked'
  const body = chunked ? sent.replace(/^[0-9a-f]+\r\n/i, '').replace(/\r\n0\r\n.*$/s, '') : sent
  return {
    ...answerOf(Number(line.split(' ')[1] ?? 0), headers, body),
    ms: performance.now() - began,
  }
}

function answerOf(status: number, headers: IncomingHttpHeaders, text: string): Answer {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {}
  return { status, headers, text, json }
}
