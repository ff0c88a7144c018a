/** Server-sent events to clients that read, that do not read, and that stay connected after the last event. */
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

const nextImmediate = () => new Promise((resolve) => setImmediate(resolve))
const event = `data: ${'x'.repeat(65_536)}\n\n`

test('a reader that does not read is disconnected, and at most a mebibyte is buffered for it', async () => {
  const { stream, raw } = await open()
  let most = 0
  // The kernel takes some megabytes before anything waits here.
  for (let n = 0; n < 2_000 && !raw.destroyed; n++) {
    stream.send(event)
    most = Math.max(most, raw.writableLength)
    await nextImmediate()
  }
  assert.ok(raw.destroyed, `${most} bytes wait, and it is still held`)
  assert.ok(most < maxBufferedBytes + 2 * event.length, `${most}`)
  await stream.ended
  assert.doesNotThrow(() => stream.send(event), 'sending after the close does not throw')
})

test('a reader that reads gets everything, of any size, and the end', async () => {
  const { stream, reader } = await open()
  let got = ''
  reader.on('data', (chunk) => {
    got += chunk
  })
  reader.resume()
  for (let n = 0; n < 100; n++) {
    stream.send(`id: ${n}\n${event}`)
    while (!got.includes(`id: ${n}\n`)) await nextImmediate()
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

test('a client that does not read the last events is disconnected after the end', async () => {
  const { stream, raw, over } = await open(100)
  while (raw.writableLength < 200_000) {
    stream.send(event)
    await nextImmediate()
  }
  over.abort()
  await stream.ended
  assert.ok(!raw.destroyed, 'what was written is still sent')
  await once(raw, 'close')
})
