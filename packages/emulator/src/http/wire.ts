// Bytes in and out: reading a body, writing a reply in HubSpot's dress, and the ways a connection can go wrong.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import type { World } from '../world.ts'
import type { Call } from './call.ts'
import { Refusal, type Reply } from './reply.ts'

const MAX_BODY = 10 * 1024 * 1024
const GZIP_FROM = 1024

export type Rendered = { status: number; headers: Record<string, string>; body: Buffer }

export async function readBody(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of req) {
    size += (chunk as Buffer).length
    if (size > MAX_BODY) throw new Refusal({ status: 413, text: '', contentType: 'text/html' })
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}

// The Date header follows the emulator's clock: it is HubSpot's time as a client can know it.
export function render(world: World, reply: Reply, correlationId: string, asked: Call['headers']): Rendered {
  let body: Buffer = Buffer.alloc(0)
  const headers: Record<string, string> = {
    date: new Date(world.clock.now()).toUTCString(),
    server: 'cloudflare',
    'x-hubspot-correlation-id': correlationId,
  }
  if (reply.json !== undefined) {
    const json = reply.json as Record<string, unknown>
    const filled =
      json && typeof json === 'object' && json.correlationId === '' ? { ...json, correlationId } : json
    body = Buffer.from(JSON.stringify(filled), 'utf8')
    headers['content-type'] = 'application/json;charset=utf-8'
  } else if (reply.text !== undefined) {
    body = Buffer.from(reply.text, 'utf8')
    headers['content-type'] = reply.contentType ?? 'text/plain;charset=utf-8'
  }
  Object.assign(headers, reply.headers)
  const accepts = asked['accept-encoding']
  if (
    world.quirks.gzip &&
    body.length >= GZIP_FROM &&
    typeof accepts === 'string' &&
    /\bgzip\b/.test(accepts)
  ) {
    body = gzipSync(body, { level: 1 })
    headers['content-encoding'] = 'gzip'
    headers.vary = 'accept-encoding'
  }
  if (reply.status !== 204) headers['content-length'] = String(body.length)
  return { status: reply.status, headers, body }
}

export function send(res: ServerResponse, { status, headers, body }: Rendered): void {
  res.sendDate = false
  res.writeHead(status, { ...headers, ...(status === 204 ? {} : { 'content-length': String(body.length) }) })
  res.end(status === 204 ? undefined : body)
}

// Promises the whole length, sends a part, and closes.
export async function sendCut(
  res: ServerResponse,
  { status, headers, body }: Rendered,
  length: number,
): Promise<void> {
  res.sendDate = false
  res.writeHead(status, headers)
  await new Promise<void>((done) => res.write(body.subarray(0, length), () => done()))
  res.socket?.destroy()
}

export async function drip(
  res: ServerResponse,
  { status, headers, body }: Rendered,
  delay: number,
): Promise<number> {
  res.sendDate = false
  res.writeHead(status, headers)
  res.flushHeaders()
  let sent = 0
  for (; sent < body.length && !res.destroyed; sent++) {
    res.write(body.subarray(sent, sent + 1))
    await pause(res, delay)
  }
  res.end()
  return sent
}

// Waits, but not for a client that has gone; without a time it waits until that happens.
export function pause(res: ServerResponse, ms: number | null): Promise<void> {
  return new Promise((done) => {
    const timer = ms === null ? null : setTimeout(finish, ms)
    function finish(): void {
      if (timer) clearTimeout(timer)
      res.off('close', finish)
      done()
    }
    if (res.destroyed) finish()
    else res.on('close', finish)
  })
}
