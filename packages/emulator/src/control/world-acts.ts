// Control acts on the world as a whole: faults, clock, limits, the request log, the switches.
import type { NewFault } from '../http/faults.ts'
import type { Limits } from '../http/rates.ts'
import { type Input, missing, numberOf, type Request, type Row } from './table.ts'

export const WORLD_ACTS: readonly Row[] = [
  ['POST', '/faults', ({ world, body }) => world.faults.add(body as NewFault)],
  ['GET', '/faults', ({ world }) => ({ results: world.faults.list() })],
  [
    'DELETE',
    '/faults',
    ({ world }) => {
      world.faults.clear()
      return { removed: true }
    },
  ],
  ['GET', '/faults/:', ({ world, params }) => world.faults.get(params[0] ?? '') ?? missing('fault')],
  ['DELETE', '/faults/:', ({ world, params }) => ({ removed: world.faults.remove(params[0] ?? '') })],
  ['GET', '/clock', clockNow],
  [
    'POST',
    '/clock',
    (request) => {
      const ms = request.body.advance_ms
      if (typeof ms !== 'number' || !Number.isFinite(ms)) throw new Error('advance_ms must be a number')
      request.world.clock.advance(ms)
      return clockNow(request)
    },
  ],
  ['POST', '/tokens/expire', ({ world, body }) => ({ expired: world.tokens.expire(body) })],
  ['POST', '/tokens/revoke', ({ world, body }) => ({ revoked: world.tokens.revoke(body) })],
  ['GET', '/limits', ({ world }) => world.rates.limits],
  [
    'POST',
    '/limits',
    ({ world, body }) =>
      Object.assign(world.rates.limits, known(body, world.rates.limits) as Partial<Limits>),
  ],
  [
    'GET',
    '/requests',
    ({ world, query }) => {
      const [since, path, portal_id, limit] = [
        numberOf(query.get('since')),
        query.get('path'),
        numberOf(query.get('portal_id')),
        numberOf(query.get('limit')),
      ]
      return {
        results: world.log.list({
          ...(since ? { since } : {}),
          ...(path ? { path } : {}),
          ...(portal_id ? { portal_id } : {}),
          ...(limit ? { limit } : {}),
        }),
      }
    },
  ],
  [
    'DELETE',
    '/requests',
    ({ world }) => {
      world.log.clear()
      return { cleared: true }
    },
  ],
  ['GET', '/stats', ({ world, query }) => world.log.stats(numberOf(query.get('portal_id')))],
  ['GET', '/quirks', ({ world }) => world.quirks],
  ['PATCH', '/quirks', ({ world, body }) => world.changeQuirks(body)],
]

function clockNow({ world }: Request): unknown {
  return {
    now: world.clock.now(),
    iso: new Date(world.clock.now()).toISOString(),
    offset_ms: world.clock.offset(),
  }
}

function known(body: Input, from: object): Input {
  const wrong = Object.keys(body).filter((name) => !(name in from))
  if (wrong.length > 0) throw new Error(`not a limit: ${wrong.join(', ')}`)
  return body
}
