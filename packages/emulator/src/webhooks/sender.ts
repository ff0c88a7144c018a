// Sends waiting events: batches of one lane side by side up to its limit, failures again on the schedule of retries.
import type { Clock } from '../clock.ts'
import type { Quirks } from '../quirks.ts'
import { createLanes, type Item, type Lane } from './lanes.ts'
import { openLine, type Posted } from './post.ts'
import { retryDelay } from './retries.ts'
import type { Sending } from './sending.ts'
import { signatureHeaders } from './signing.ts'
import type { Tally } from './tally.ts'
import { createWaiters } from './waiters.ts'

// Where an app's deliveries go now; null when there is no such place any more.
export type Target = { url: string; secret: string; most_in_flight: number }
export type Parts = {
  seed: number
  clock: Clock
  quirks: Quirks
  sending: Sending
  tally: Tally
  targetOf(client_id: string): Target | null
  // Whether the account still gets deliveries of the app.
  reaches(client_id: string, portal_id: number): boolean
  nextId(): number
}

const AN_HOUR = 3_600_000

export type Sender = ReturnType<typeof createSender>

/** Takes events and sees to it that each is delivered, given up, or dropped; all waits end with `stop`. */
export function createSender(parts: Parts) {
  const { clock, quirks, sending, tally } = parts
  const { counts } = tally
  const lanes = createLanes()
  const waiters = createWaiters()
  let line = openLine()
  let inFlight = 0
  let order = 0
  let timer: NodeJS.Timeout | null = null
  let timerAt = Number.POSITIVE_INFINITY
  // Answers to requests of an earlier life count no more.
  let life = 0
  let stopped = false

  function put(item: Omit<Item, 'order'>, shift: number): void {
    if (stopped) return
    if (lanes.queued() >= sending.most_queued) {
      counts.overflowed += 1
      return
    }
    order += 1
    lanes.put({ ...item, order: order + shift }, quirks.webhook_mixed_portals)
    wakeAt(Math.max(item.due_at, clock.now() + sending.batch_wait_ms))
  }

  // One timer for all lanes. It waits in real time, so a clock that is moved wakes it again.
  function wakeAt(at: number): void {
    if (at >= timerAt) return
    if (timer) clearTimeout(timer)
    timerAt = at
    timer = setTimeout(pump, Math.min(AN_HOUR, Math.max(0, at - clock.now())))
  }

  function pump(): void {
    if (timer) clearTimeout(timer)
    timer = null
    timerAt = Number.POSITIVE_INFINITY
    if (!sending.paused) for (const lane of [...lanes.all()]) drain(lane)
    const next = sending.paused ? Number.POSITIVE_INFINITY : lanes.nextDue(isFree)
    if (next !== Number.POSITIVE_INFINITY) wakeAt(next)
    waiters.changed()
  }

  const isFree = (lane: Lane) => lane.in_flight < (parts.targetOf(lane.client_id)?.most_in_flight ?? 1)

  function drain(lane: Lane): void {
    while (isFree(lane)) {
      const items = lanes.take(lane, clock.now(), sending.batch_events)
      if (items.length === 0) break
      const target = parts.targetOf(lane.client_id)
      const going = target
        ? items.filter((one) => parts.reaches(one.client_id, one.event.portalId as number))
        : []
      counts.dropped += items.length - going.length
      if (target && going.length > 0) void deliver(lane, target, going)
    }
    lanes.sweep(lane)
  }

  async function deliver(lane: Lane, target: Target, items: Item[]): Promise<void> {
    const born = life
    const body = JSON.stringify(items.map(({ event, attempt }) => ({ ...event, attemptNumber: attempt })))
    const timestamp = sending.timestamps === 'hubspot' ? clock.now() : Date.now()
    const headers = signatureHeaders(target.secret, target.url, body, timestamp, quirks.webhook_signatures)
    lane.in_flight += 1
    inFlight += 1
    const started = performance.now()
    const at = clock.now()
    const posted = await line.post(target.url, headers, body, sending.timeout_ms)
    if (born !== life) return
    lane.in_flight -= 1
    inFlight -= 1
    tally.keep({
      at,
      client_id: lane.client_id,
      portal_ids: [...new Set(items.map((one) => one.event.portalId))],
      url: target.url,
      events: items.length,
      attempt: Math.max(...items.map((one) => one.attempt)),
      event_ids: items.map((one) => one.event.eventId),
      status: posted.status,
      error: posted.error,
      ms: Math.round(performance.now() - started),
    })
    counts.attempts += 1
    settle(posted, items)
    if (!sending.paused) drain(lane)
    // Other lanes have set the timer for themselves.
    const next = lane.waiting.peek()
    if (next && !sending.paused && isFree(lane)) wakeAt(next.due_at)
    waiters.changed()
  }

  function settle({ status, retryAfter }: Posted, items: Item[]): void {
    if (status !== null && status >= 200 && status < 300) {
      counts.delivered += items.length
      return
    }
    counts.refused += 1
    const final = status !== null && status >= 400 && status < 500 && !quirks.webhook_retries_4xx
    const asked = status === 429 && quirks.webhook_honours_retry_after ? Number(retryAfter) : 0
    for (const one of items) {
      if (final || one.attempt >= sending.retries) {
        counts.failed += 1
        continue
      }
      counts.retried += 1
      const attempt = one.attempt + 1
      const wait = retryDelay(attempt, one.order, { seed: parts.seed, ...sending })
      const event = quirks.webhook_retry_keeps_id ? one.event : { ...one.event, eventId: parts.nextId() }
      put({ ...one, event, attempt, due_at: clock.now() + Math.max(wait, asked || 0) }, 0)
    }
  }

  const quiet = () => inFlight === 0 && lanes.queued() === 0
  const idle = () => inFlight === 0 && (sending.paused || lanes.nextDue(() => true) > clock.now())

  function clear(): void {
    life += 1
    line.close()
    if (timer) clearTimeout(timer)
    timer = null
    timerAt = Number.POSITIVE_INFINITY
    inFlight = 0
    lanes.clear()
    waiters.end()
  }

  clock.listen(() => {
    if (timer) pump()
  })

  return {
    put,
    pump,
    counts: () => ({ queued: lanes.queued(), in_flight: inFlight, ...counts }),
    quiet: (ms: number) => waiters.until(quiet, ms),
    flush(ms: number): Promise<boolean> {
      lanes.hurry(clock.now())
      pump()
      return waiters.until(idle, ms)
    },
    drop: () => {
      counts.dropped += lanes.clear()
      pump()
    },
    stop(): void {
      stopped = true
      clear()
    },
    reset(): void {
      clear()
      line = openLine()
    },
  }
}
