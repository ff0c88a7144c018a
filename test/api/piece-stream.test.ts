/** A stream of pieces: its end tells whether it is whole, and the memory of a piece is given back. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import Fastify, { type FastifyInstance } from 'fastify'
import { type ByteBudget, createByteBudget } from '../../src/api/byte-budget.ts'
import { sendPieces } from '../../src/api/piece-stream.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { eventually } from '../support/service.ts'

const piece = 'x'.repeat(100_000)
let app: FastifyInstance
let url: string
let bytes: ByteBudget
let access: AbortController
let ended: number
const makers: Record<string, (reserve: (bytes: number) => Promise<void>) => AsyncGenerator<string>> = {
  async *whole(reserve) {
    for (let n = 0; n < 3; n++) {
      await reserve(1_000)
      yield piece
    }
  },
  async *failing(reserve) {
    await reserve(1_000)
    yield piece
    throw new Error('the second page is not there')
  },
  // biome-ignore lint/correctness/useYield: it fails before
  async *refused() {
    throw new Error('nothing is there')
  },
  async *endless(reserve) {
    try {
      for (;;) {
        await reserve(1_000)
        // So short that nothing waits for the reader.
        yield 'x'
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    } finally {
      ended += 1
    }
  },
}

before(async () => {
  bytes = createByteBudget({ total: 2 ** 20, ofOneTenant: 2 ** 20 }, systemClock, () => {})
  access = new AbortController()
  ended = 0
  app = Fastify({ forceCloseConnections: true })
  app.get<{ Params: { name: string } }>('/:name', async (request, reply) => {
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort(new Error('gone')))
    const headers = { 'content-type': 'text/plain', 'content-disposition': 'attachment' }
    const signal = AbortSignal.any([gone.signal, access.signal])
    await sendPieces({ request, reply, tenantId: 'a', bytes, signal, headers }, (reserve) => {
      const make = makers[request.params.name]
      assert.ok(make)
      return make(reserve as never)
    })
  })
  url = await app.listen({ host: '127.0.0.1', port: 0 })
})
after(() => app.close())

const isFree = () => eventually(async () => bytes.held() === 0, 'the memory is given back')

test('a whole one ends properly', async () => {
  assert.equal(await (await fetch(`${url}/whole`)).text(), piece.repeat(3))
  await isFree()
})

test('an error before the first piece has a status; a later one cuts the connection', async () => {
  assert.equal((await fetch(`${url}/refused`)).status, 500)
  const response = await fetch(`${url}/failing`)
  assert.equal(response.status, 200)
  await assert.rejects(response.text())
  await isFree()
})

test('a caller that leaves, and one that loses access, end it', async () => {
  const left = new AbortController()
  const first = await fetch(`${url}/endless`, { signal: left.signal })
  await first.body?.getReader().read()
  left.abort()
  await eventually(async () => ended === 1, 'the pieces end with their reader')
  const second = await fetch(`${url}/endless`)
  const end = second.text().then(
    () => 'whole',
    () => 'cut off',
  )
  access.abort(new Error('revoked'))
  await eventually(async () => ended === 2, 'the pieces end with the access')
  assert.equal(await end, 'cut off')
  await isFree()
})
