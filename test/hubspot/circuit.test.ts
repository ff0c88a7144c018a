/** The circuit breakers: a failing target is not called again and again, and the failures of one tenant do not block others. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type CallEnd,
  type Circuits,
  circuitWaitMs,
  createCircuits,
  isHubSpotOutage,
} from '../../src/hubspot/client/circuit.ts'
import { HubSpotError } from '../../src/hubspot/hubspot-error.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { createMetrics } from '../../src/lib/metrics.ts'

/** A clock that the test moves. */
function standing(): Clock & { go(ms: number): void } {
  let at = 1_000_000
  return {
    go: (ms) => {
      at += ms
    },
    now: () => at,
    monotonic: () => at,
    random: () => 0.5,
    sleep: async () => {},
  }
}

function setUp() {
  const clock = standing()
  const metrics = createMetrics()
  return { clock, metrics, circuits: createCircuits(clock, metrics) }
}

/** One call, if it is let through. @returns whether it was */
function call(circuits: Circuits, portal: string, how: CallEnd): boolean {
  const pass = circuits.enter('account', portal)
  if (typeof pass === 'number') return false
  pass.end(how)
  return true
}

function calls(circuits: Circuits, portal: string, many: number, how: 'passed' | 'failed'): void {
  for (let n = 0; n < many; n++) call(circuits, portal, how)
}

describe('a circuit', () => {
  const cases: [string, number, number, boolean][] = [
    ['twenty calls that fail', 20, 0, true],
    ['nineteen calls that fail', 19, 0, false],
    ['ten of twenty', 10, 10, true],
    ['nine of twenty', 9, 11, false],
  ]
  for (const [name, failed, passed, opens] of cases) {
    test(`${name}: ${opens ? 'open' : 'closed'}`, () => {
      const { circuits } = setUp()
      calls(circuits, 'a', passed, 'passed')
      calls(circuits, 'a', failed, 'failed')
      assert.equal(circuits.wait('account', 'a') > 0, opens)
      assert.equal(circuits.wait('account', 'b'), 0)
    })
  }

  test('of a portal that only hangs opens after three calls, since each holds a worker for its whole deadline', () => {
    const { circuits, clock } = setUp()
    // Each takes as long as the window, so that it never holds twenty of them.
    const hang = (portal: string) => {
      const pass = circuits.enter('account', portal)
      clock.go(30_000)
      assert.ok(typeof pass === 'object')
      pass.end('hung')
    }
    hang('a')
    hang('a')
    call(circuits, 'a', 'passed')
    hang('a')
    hang('a')
    assert.equal(circuits.wait('account', 'a'), 0, 'one answer between begins the count again')
    hang('a')
    assert.ok(circuits.wait('account', 'a') > 0)
    assert.equal(circuits.wait('account', 'b'), 0)
  })

  test('of a kind of call that hangs opens alone: other kinds of the portal go through, and so do the other portals', () => {
    const { circuits } = setUp()
    for (let n = 0; n < 40 && circuits.wait('account', 'a', 'list page') === 0; n++) {
      const pass = circuits.enter('account', 'a', 'list page')
      assert.ok(typeof pass === 'object' && n < 3)
      pass.end('hung')
    }
    assert.ok(circuits.wait('account', 'a', 'list page') > 0)
    assert.equal(circuits.wait('account', 'a', 'list'), 0)
    assert.equal(circuits.wait('account', 'a'), 0)
    assert.equal(circuits.wait('account', 'b', 'list page'), 0)
    // What fails counts against the portal as a whole.
    for (let n = 0; n < 20; n++) {
      const pass = circuits.enter('account', 'b', n % 2 === 0 ? 'list' : 'search')
      if (typeof pass === 'object') pass.end('failed')
    }
    assert.ok(circuits.wait('account', 'b', 'owners') > 0)
  })

  test('of an endpoint that all tenants go to is not opened by three calls of one of them that hang', () => {
    const { circuits } = setUp()
    for (let n = 0; n < 3; n++) {
      const pass = circuits.enter('endpoint', 'token info')
      assert.ok(typeof pass === 'object')
      pass.end('hung')
    }
    assert.equal(circuits.wait('endpoint', 'token info'), 0)
  })

  test('forgets what failed more than thirty seconds ago', () => {
    const { circuits, clock } = setUp()
    calls(circuits, 'a', 19, 'failed')
    clock.go(31_000)
    calls(circuits, 'a', 19, 'failed')
    assert.equal(circuits.wait('account', 'a'), 0)
    calls(circuits, 'a', 1, 'failed')
    assert.ok(circuits.wait('account', 'a') > 0)
  })

  test('lets one call through when its time is over; that one decides, for longer each time', async () => {
    const { circuits, clock, metrics } = setUp()
    calls(circuits, 'a', 20, 'failed')
    const first = circuits.wait('account', 'a')
    assert.ok(first > 3_000 && first <= 5_000, String(first))
    clock.go(first + 1)
    const probe = circuits.enter('account', 'a')
    assert.ok(typeof probe === 'object')
    // Everybody else is refused meanwhile.
    assert.equal(typeof circuits.enter('account', 'a'), 'number')
    probe.end('failed')
    const second = circuits.wait('account', 'a')
    assert.ok(second > first, `${second} after ${first}`)
    clock.go(second + 1)
    // A caller that gave up has no result: the next one may try.
    assert.ok(call(circuits, 'a', 'unknown'))
    assert.ok(call(circuits, 'a', 'passed'))
    assert.equal(circuits.wait('account', 'a'), 0)
    // It begins anew: one failure more does not open it again.
    assert.ok(call(circuits, 'a', 'failed'))
    assert.equal(circuits.wait('account', 'a'), 0)
    const { values } = await metrics.circuitsOpen.get()
    assert.deepEqual(
      values.map(({ value }) => value),
      [0],
    )
  })

  test('of a portal that is being moved (477) opens at once, for as long as HubSpot specifies', () => {
    const { circuits, clock } = setUp()
    const pass = circuits.enter('account', 'a')
    assert.ok(typeof pass === 'object')
    pass.end('passed', 3_600_000)
    assert.equal(circuits.wait('account', 'a'), 3_600_000)
    assert.equal(circuits.wait('account', 'b'), 0)
    clock.go(3_600_001)
    assert.ok(call(circuits, 'a', 'passed'))
    assert.equal(circuits.wait('account', 'a'), 0)
  })

  test('of all HubSpot stays closed when one portal fails, however often, and opens when several do', () => {
    const { circuits } = setUp()
    for (const quiet of ['b', 'c', 'd', 'e']) calls(circuits, quiet, 2, 'passed')
    calls(circuits, 'a', 500, 'failed')
    assert.ok(circuits.wait('account', 'a') > 0)
    assert.equal(circuits.wait('account', 'b'), 0)
    for (const portal of ['f', 'g', 'h', 'i', 'j', 'k']) calls(circuits, portal, 6, 'failed')
    assert.ok(circuits.wait('account', 'b') > 0)
    assert.ok(circuits.wait('endpoint', 'oauth token') > 0)
  })

  test('an outage of an hour with a hundred tenants costs less than three calls a second, and ends by itself', () => {
    const { circuits, clock } = setUp()
    const tenants = Array.from({ length: 100 }, (_, n) => `t${n}`)
    let sent = 0
    for (let second = 0; second < 3_600; second++) {
      // All of them try once a second, and ignore how long to wait.
      for (const tenant of tenants) if (call(circuits, tenant, 'failed')) sent += 1
      clock.go(1_000)
    }
    // A single process, so that a dozen of them stay below three as well.
    assert.ok(sent / 3_600 < 0.2, `${sent} calls`)
    let reached = new Set<string>()
    for (let second = 0; second < 180 && reached.size < 100; second++) {
      reached = new Set(tenants.filter((tenant) => call(circuits, tenant, 'passed')))
      clock.go(1_000)
    }
    assert.equal(reached.size, 100)
  })
})

test('only an outage or an open circuit makes a caller wait for HubSpot’s return, not its own error response', () => {
  const of = (kind: HubSpotError['kind'], facts = {}) => isHubSpotOutage(new HubSpotError(kind, 'e', facts))
  assert.ok(of('unavailable', { status: 503 }))
  assert.ok(of('unavailable', { circuit: true, retryAfterMs: 4_000 }))
  assert.ok(!of('unavailable', { status: 477, retryAfterMs: 3_600_000 }))
  for (const kind of ['timeout', 'invalid', 'rate_limited'] as const) assert.ok(!of(kind), kind)
  assert.ok(!isHubSpotOutage(new Error('of ours')))
})

test('retries after an open circuit are spread out; HubSpot’s own wait time is used exactly', () => {
  const clock = standing()
  const waitOf = (facts: object, share: number) =>
    circuitWaitMs(new HubSpotError('unavailable', 'e', facts), { ...clock, random: () => share })
  const circuit = { circuit: true, retryAfterMs: 1_000 }
  assert.deepEqual([waitOf(circuit, 0), waitOf(circuit, 0.5)], [1_000, 3_500])
  assert.equal(waitOf({ status: 429, retryAfterMs: 1_000 }, 0.5), 1_000)
  assert.equal(waitOf({ status: 503 }, 0.5), undefined)
})
