/**
 * Stops asking what fails: one circuit per portal and one per kind of its calls, one per endpoint that belongs to no portal, one for
 * the whole of HubSpot. A call that hangs counts against its kind alone, so that a slow kind closes no other. In memory of each process; a few processes learn the same within a few calls each.
 */
import type { Clock } from '../../lib/clock.ts'
import type { Metrics } from '../../lib/metrics.ts'
import { HubSpotError } from '../hubspot-error.ts'

export type CircuitScope = 'call' | 'portal' | 'endpoint' | 'hubspot'

/**
 * What became of a call. passed: HubSpot answered, whatever it said; hung: it did not within the deadline;
 * unknown: the caller gave up.
 */
export type CallEnd = 'passed' | 'failed' | 'hung' | 'unknown'

export interface Pass {
  /** @param closedForMs HubSpot itself said that this portal is away (477), and for how long */
  end(how: CallEnd, closedForMs?: number): void
}

export interface Circuits {
  /**
   * @param kind of a portal's call: what is asked
   * @returns a pass, or in how many ms asking again makes sense. Whoever gets a pass must end it
   */
  enter(scope: 'portal' | 'endpoint', name: string, kind?: string): Pass | number
  /** Whether `enter` would refuse now, ms; 0: it would not. Takes nothing. */
  wait(scope: 'portal' | 'endpoint', name: string, kind?: string): number
}

const windowMs = 30_000
const fewest = 20
/** Each call that hangs holds a worker for its whole deadline: so many without an answer between are enough. */
const fewestHung = 3
const failedPart = 0.5
/** The whole of HubSpot is taken for away only when so many portals or endpoints fail: one tenant's storm is its own. */
const fewestFailing = 3
const firstOpenMs = 5_000
/** Not longer than those who wait for HubSpot's return can spare. */
const longestOpenMs = 10_000
/** Callers that meet a probe under way come back after this, ms. */
const probeMs = 2_000
const mostCircuits = 20_000

interface Circuit {
  scope: CircuitScope
  /** Ends of calls within the window, oldest first. */
  ends: { at: number; name: string; failed: boolean }[]
  /** Calls that hung since one passed. */
  hung: number
  /** Calls end where the circuit was opened again since they began: they say nothing new. */
  openedAt: number
  openUntil: number
  /** How long it was opened last; 0 when closed. */
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
      if (circuits.size >= mostCircuits) forget()
      circuit = fresh(scope)
      circuits.set(id, circuit)
    }
    return circuit
  }

  function forget(): void {
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

  /** Twice as long as the last time, less a random part, so that circuits which opened together do not try together. */
  const longer = (openMs: number) =>
    Math.min(longestOpenMs, Math.max(firstOpenMs, openMs * 2)) * (1 - 0.3 * clock.random())

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
    // What hangs says nothing of the whole, nor one token of the endpoint that all tokens go to.
    if ((scope === 'call' || scope === 'portal') && hung >= fewestHung) return true
    const failed = ends.filter((end) => end.failed).length
    if (ends.length < fewest || failed < failedPart * ends.length) return false
    if (scope !== 'hubspot') return true
    const names = new Map<string, number>()
    for (const end of ends) names.set(end.name, (names.get(end.name) ?? 0) + (end.failed ? 1 : -1))
    const failing = [...names.values()].filter((more) => more >= 0).length
    return failing >= fewestFailing && failing >= failedPart * names.size
  }

  function settle(circuit: Circuit, name: string, probe: boolean, began: number, how: CallEnd): void {
    if (probe) circuit.probing = false
    if (how === 'unknown' || began < circuit.openedAt) return
    if (!probe) count(circuit, name, how)
    else if (how === 'passed') close(circuit)
    else open(circuit, longer(circuit.openMs))
  }

  /** Those that a call goes through. */
  const through = (scope: 'portal' | 'endpoint', name: string, kind: string | undefined) => [
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
          // Away by its own word: the portal's circuit alone, and the call itself was answered.
          const away = closedForMs !== undefined && scope === 'portal'
          for (const { circuit, probe } of passed) {
            const ofOthers = kind !== undefined && circuit.scope !== 'call' && how === 'hung'
            settle(circuit, `${scope} ${name}`, probe, began, away ? 'passed' : ofOthers ? 'unknown' : how)
          }
          if (away) open(own, closedForMs)
        },
      }
    },
  }
}

/**
 * Whether HubSpot could not be reached and named no time to come back at (as it does for an account that it moves): whoever
 * waits for that may go on as soon as HubSpot answers anybody. A timeout or an answer that cannot be read may be of one account's
 * data alone, until it opens a circuit.
 */
export const awaitsReturn = (failure: unknown): boolean =>
  failure instanceof HubSpotError &&
  failure.kind === 'unavailable' &&
  (failure.retryAfterMs === undefined || (failure.circuit && failure.retryAfterMs <= longestOpenMs))

/** Those whom an open circuit sends away come back one after the other, ms. */
const spreadMs = 5_000

/** @returns how long a failure asks to wait, ms; undefined: it does not say */
export function askedWait(failure: unknown, clock: Clock): number | undefined {
  if (!(failure instanceof HubSpotError) || failure.retryAfterMs === undefined) return undefined
  return failure.retryAfterMs + (failure.circuit ? spreadMs * clock.random() : 0)
}
