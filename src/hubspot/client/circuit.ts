/**
 * Circuit breakers: one per HubSpot account, one per kind of its calls, one per endpoint that
 * belongs to no account, and one for HubSpot as a whole. A call that hangs counts only against its
 * kind, so that a slow kind stops no other. Kept in the memory of each process; each one learns the
 * same within a few calls. Over 200 lines because all scopes follow the same rules.
 */
import type { Clock } from '../../lib/clock.ts'
import type { Metrics } from '../../lib/metrics.ts'
import { HubSpotError } from '../hubspot-error.ts'

export type CircuitScope = 'call' | 'account' | 'endpoint' | 'hubspot'

/**
 * The result of a call. passed: HubSpot answered, whatever it said; hung: it did not within the
 * deadline; unknown: the caller gave up.
 */
export type CallEnd = 'passed' | 'failed' | 'hung' | 'unknown'

export interface CircuitPass {
  /**
   * @param closedForMs HubSpot itself said that this account is unavailable (477), and for how long
   */
  end(how: CallEnd, closedForMs?: number): void
}

export interface Circuits {
  /**
   * @param kind of an account's call: what it requests
   * @returns a pass, which the caller must end, or in how many ms to call again
   */
  enter(scope: 'account' | 'endpoint', name: string, kind?: string): CircuitPass | number
  /** How long `enter` would refuse now, ms; 0: it would not. Changes nothing. */
  wait(scope: 'account' | 'endpoint', name: string, kind?: string): number
}

const windowMs = 30_000
const minCalls = 20
/**
 * Each hanging call blocks a worker for its whole deadline, so this many without a response in
 * between are enough.
 */
const minHung = 3
const failedPart = 0.5
/**
 * HubSpot as a whole counts as unavailable only when this many accounts or endpoints fail: the
 * failures of one tenant affect that tenant alone.
 */
const minFailing = 3
const firstOpenMs = 5_000
/** Limited to what callers that wait for HubSpot's return can spare. */
const maxOpenMs = 10_000
/** Callers that meet a probe in flight retry after this, ms. */
const probeMs = 2_000
const maxCircuits = 20_000

interface Circuit {
  scope: CircuitScope
  /** Results of calls within the window, oldest first. */
  ends: { at: number; name: string; failed: boolean }[]
  /** Hung calls since the last one that passed. */
  hung: number
  /** When the circuit last opened. Calls that began earlier say nothing new. */
  openedAt: number
  openUntil: number
  /** For how long it opened last; 0 when closed. */
  openMs: number
  probing: boolean
}

export function createCircuits(clock: Clock, metrics: Metrics): Circuits {
  const circuits = new Map<string, Circuit>()
  const fresh = (scope: CircuitScope): Circuit => ({
    scope,
    ends: [],
    hung: 0,
    openedAt: Number.NEGATIVE_INFINITY,
    openUntil: 0,
    openMs: 0,
    probing: false,
  })
  const whole = fresh('hubspot')

  function find(scope: CircuitScope, name: string): Circuit {
    const id = `${scope} ${name}`
    let circuit = circuits.get(id)
    if (!circuit) {
      if (circuits.size >= maxCircuits) dropIdle()
      circuit = fresh(scope)
      circuits.set(id, circuit)
    }
    return circuit
  }

  function dropIdle(): void {
    const old = clock.monotonic() - windowMs
    for (const [id, { ends, openMs }] of circuits)
      if (openMs === 0 && (ends.at(-1)?.at ?? 0) < old) circuits.delete(id)
  }

  function waitOf(circuit: Circuit): number {
    if (circuit.openMs === 0) return 0
    const left = circuit.openUntil - clock.monotonic()
    return left > 0 ? left : circuit.probing ? probeMs : 0
  }

  function open(circuit: Circuit, forMs: number): void {
    if (circuit.openMs === 0) metrics.circuitsOpen.inc({ scope: circuit.scope })
    circuit.openedAt = clock.monotonic()
    circuit.openUntil = circuit.openedAt + forMs
    circuit.openMs = forMs
    begin(circuit)
  }

  function close(circuit: Circuit): void {
    metrics.circuitsOpen.dec({ scope: circuit.scope })
    circuit.openMs = 0
    begin(circuit)
  }

  function begin(circuit: Circuit): void {
    circuit.ends = []
    circuit.hung = 0
  }

  /**
   * Twice as long as last time, less a random part, so that circuits that opened together do not
   * probe together.
   */
  const longer = (openMs: number) =>
    Math.min(maxOpenMs, Math.max(firstOpenMs, openMs * 2)) * (1 - 0.3 * clock.random())

  function count(circuit: Circuit, name: string, how: CallEnd): void {
    const now = clock.monotonic()
    const failed = how !== 'passed'
    circuit.ends.push({ at: now, name, failed })
    circuit.hung = how === 'passed' ? 0 : circuit.hung + (how === 'hung' ? 1 : 0)
    const old = circuit.ends.findIndex(({ at }) => at > now - windowMs)
    if (old > 0) circuit.ends.splice(0, old)
    if (failed && tooMany(circuit)) open(circuit, longer(0))
  }

  function tooMany({ scope, ends, hung }: Circuit): boolean {
    // A hang says nothing about HubSpot as a whole, and one token's hang nothing about the endpoint
    // that all tokens share.
    if ((scope === 'call' || scope === 'account') && hung >= minHung) return true
    const failed = ends.filter((end) => end.failed).length
    if (ends.length < minCalls || failed < failedPart * ends.length) return false
    if (scope !== 'hubspot') return true
    const names = new Map<string, number>()
    for (const end of ends) names.set(end.name, (names.get(end.name) ?? 0) + (end.failed ? 1 : -1))
    const failing = [...names.values()].filter((more) => more >= 0).length
    return failing >= minFailing && failing >= failedPart * names.size
  }

  function settle(circuit: Circuit, name: string, probe: boolean, began: number, how: CallEnd): void {
    if (probe) circuit.probing = false
    if (how === 'unknown' || began < circuit.openedAt) return
    if (!probe) count(circuit, name, how)
    else if (how === 'passed') close(circuit)
    else open(circuit, longer(circuit.openMs))
  }

  /** The circuits that a call passes through. */
  const through = (scope: 'account' | 'endpoint', name: string, kind: string | undefined) => [
    find(scope, name),
    whole,
    ...(kind === undefined ? [] : [find('call', `${name} ${kind}`)]),
  ]
  const longestOf = (all: readonly Circuit[]) => Math.max(...all.map(waitOf))

  return {
    wait: (scope, name, kind) => longestOf(through(scope, name, kind)),

    enter(scope, name, kind) {
      const all = through(scope, name, kind)
      const [own] = all as [Circuit]
      const wait = longestOf(all)
      if (wait > 0) return wait
      const began = clock.monotonic()
      const passed = all.map((circuit) => ({ circuit, probe: circuit.openMs > 0 }))
      for (const { circuit, probe } of passed) if (probe) circuit.probing = true
      return {
        end(how, closedForMs) {
          // HubSpot itself reported the account as away: only the account's circuit opens, because
          // the call was answered.
          const unavailable = closedForMs !== undefined && scope === 'account'
          for (const { circuit, probe } of passed) {
            const ofOthers = kind !== undefined && circuit.scope !== 'call' && how === 'hung'
            settle(
              circuit,
              `${scope} ${name}`,
              probe,
              began,
              unavailable ? 'passed' : ofOthers ? 'unknown' : how,
            )
          }
          if (unavailable) open(own, closedForMs)
        },
      }
    },
  }
}

/**
 * Whether HubSpot was unreachable and named no time to return (as it does for an account that it
 * moves): callers that wait for its return may resume as soon as HubSpot answers any call. A
 * timeout or an unreadable response may concern one account's data alone, until it opens a circuit.
 */
export const isHubSpotOutage = (failure: unknown): boolean =>
  failure instanceof HubSpotError &&
  failure.kind === 'unavailable' &&
  (failure.retryAfterMs === undefined || (failure.circuit && failure.retryAfterMs <= maxOpenMs))

/** Callers that an open circuit refused are spread over this, ms. */
const spreadMs = 5_000

/** @returns how long a failure asks to wait, ms; undefined: it does not say */
export function circuitWaitMs(failure: unknown, clock: Clock): number | undefined {
  if (!(failure instanceof HubSpotError) || failure.retryAfterMs === undefined) return undefined
  return failure.retryAfterMs + (failure.circuit ? spreadMs * clock.random() : 0)
}
