/** A caller that does not read its response is disconnected, and a slow reader is not. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import Fastify, { type FastifyInstance } from 'fastify'
import { disconnectSlowReaders } from '../../../src/http/limits/slow-readers.ts'
import { eventually } from '../../support/service.ts'

/** More than the kernel buffers for a socket. */
const answer = 'x'.repeat(24 * 1_048_576)
const retryLimits = { minMs: 500, bytesPerSecond: 2 * answer.length }

let app: FastifyInstance
const closed: string[] = []
before(async () => {
  app = Fastify()
  disconnectSlowReaders(app, retryLimits)
  app.addHook('onRequest', async (request, reply) => {
    reply.raw.once('close', () => closed.push(`${request.url} ${reply.raw.writableFinished}`))
  })
  app.get('/large', async () => answer)
  app.get('/small', async () => 'ok')
  await app.listen({ port: 0, host: '127.0.0.1' })
})
after(() => app.close())

function ask(...paths: string[]): Socket {
  const { port } = app.server.address() as AddressInfo
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  for (const path of paths) socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  return socket
}

test('an answer that is not taken is dropped, with all that wait behind it on its connection', async () => {
  const socket = ask('/large', '/small', '/small').pause()
  await eventually(async () => closed.length > 0, 'it is given up')
  assert.equal(closed[0], '/large false')
  socket.resume()
  await once(socket, 'close')
})

test('an answer that is taken is whole, however large', async () => {
  retryLimits.bytesPerSecond = answer.length / 60
  const socket = ask('/large')
  let got = 0
  socket.on('data', (chunk: Buffer) => {
    got += chunk.length
  })
  while (got < answer.length) await new Promise((resolve) => setTimeout(resolve, 20))
  socket.destroy()
})

test('the time of an answer ends with it, and the connection stays for the next one', async () => {
  const socket = ask('/small').resume()
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  assert.ok(!socket.destroyed)
  socket.write('GET /small HTTP/1.1\r\nHost: localhost\r\n\r\n')
  while (closed.slice(-2).join() !== '/small true,/small true')
    await new Promise((resolve) => setTimeout(resolve, 20))
  assert.ok(!socket.destroyed)
  socket.destroy()
})
