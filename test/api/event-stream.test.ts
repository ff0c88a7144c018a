/** Server-sent events to readers that read, that do not, and that stay when there is nothing more. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, test } from 'node:test'
import { type EventStream, maxBufferedBytes, openEventStream } from '../../src/api/event-stream.ts'

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

interface Opened {
  stream: EventStream
  raw: ServerResponse
  reader: Socket
  over: AbortController
}

/** @param takeWithinMs as for openEventStream */
async function open(takeWithinMs?: number): Promise<Opened> {
  const opened = Promise.withResolvers<Omit<Opened, 'reader'>>()
  const server = createServer((_request, raw) => {
    const over = new AbortController()
    const stream = openEventStream(raw, 'a-request', over.signal, takeWithinMs)
    opened.resolve({ stream, raw, over })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const reader = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {})
  reader.pause()
  reader.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  ends.push(() => {
    reader.destroy()
    server.close()
  })
  return { ...(await opened.promise), reader }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))
const event = `data: ${'x'.repeat(65_536)}\n\n`

test('a reader that does not read is let go, and never more than a mebibyte waits for it', async () => {
  const { stream, raw } = await open()
  let most = 0
  // The kernel takes some megabytes before anything waits here.
  for (let n = 0; n < 2_000 && !raw.destroyed; n++) {
    stream.send(event)
    most = Math.max(most, raw.writableLength)
    await turn()
  }
  assert.ok(raw.destroyed, `${most} bytes wait, and it is still held`)
  assert.ok(most < maxBufferedBytes + 2 * event.length, `${most}`)
  await stream.ended
  assert.doesNotThrow(() => stream.send(event), 'who is told of it later need not know')
})

test('a reader that reads gets all of it, however much it is, and the end', async () => {
  const { stream, reader } = await open()
  let got = ''
  reader.on('data', (chunk) => {
    got += chunk
  })
  reader.resume()
  for (let n = 0; n < 100; n++) {
    stream.send(`id: ${n}\n${event}`)
    while (!got.includes(`id: ${n}\n`)) await turn()
  }
  stream.end()
  await once(reader, 'end')
  assert.match(
    got,
    /^HTTP\/1\.1 200 OK\r\ncontent-type: text\/event-stream; charset=utf-8\r\nrequest-id: a-request\r\n/,
  )
  assert.match(got, /^connection: close\r$/m)
  assert.equal(got.split(event.trim()).length - 1, 100)
  assert.ok(got.includes('retry: 2000\n\n') && got.endsWith('0\r\n\r\n'))
})

test('whoever does not take the last words is let go when nothing more comes', async () => {
  const { stream, raw, over } = await open(100)
  while (raw.writableLength < 200_000) {
    stream.send(event)
    await turn()
  }
  over.abort()
  await stream.ended
  assert.ok(!raw.destroyed, 'what was said is still sent')
  await once(raw, 'close')
})
