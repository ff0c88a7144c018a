// Events waiting to be sent, in one lane for each app and account, and how many requests of a lane are under way.
import { createHeap, type Heap } from './heap.ts'
import type { WebhookEvent } from './types.ts'

export type Item = {
  client_id: string
  event: WebhookEvent
  attempt: number
  // When it may go, on HubSpot's clock, and its place among those that may.
  due_at: number
  order: number
}

export type Lane = { key: string; client_id: string; waiting: Heap<Item>; in_flight: number }

const before = (a: Item, b: Item) => a.due_at < b.due_at || (a.due_at === b.due_at && a.order < b.order)

export type Lanes = ReturnType<typeof createLanes>

/** Nothing is sent here: whoever sends takes from a lane and counts what is under way. */
export function createLanes() {
  const lanes = new Map<string, Lane>()
  let queued = 0

  return {
    /** `mixed` puts all accounts of an app into one lane, and so into the same batches. */
    put(item: Item, mixed: boolean): void {
      const key = mixed ? item.client_id : `${item.client_id} ${item.event.portalId}`
      let lane = lanes.get(key)
      if (!lane) {
        lane = { key, client_id: item.client_id, waiting: createHeap(before), in_flight: 0 }
        lanes.set(key, lane)
      }
      lane.waiting.push(item)
      queued += 1
    },
    /** The next batch of a lane: events whose time has come, in order, up to `most`. */
    take(lane: Lane, now: number, most: number): Item[] {
      const taken: Item[] = []
      while (taken.length < most && (lane.waiting.peek()?.due_at ?? Number.POSITIVE_INFINITY) <= now)
        taken.push(lane.waiting.pop() as Item)
      queued -= taken.length
      return taken
    },
    /** Delays and retries are over: everything may go at once. */
    hurry(now: number): void {
      for (const { waiting } of lanes.values())
        for (const one of waiting.drain()) waiting.push({ ...one, due_at: Math.min(one.due_at, now) })
    },
    // A lane that is empty is made again when it is needed.
    sweep(lane: Lane): void {
      if (lane.waiting.count() === 0 && lane.in_flight === 0) lanes.delete(lane.key)
    },
    all: () => lanes.values(),
    queued: () => queued,
    nextDue: (ready: (lane: Lane) => boolean): number => {
      let least = Number.POSITIVE_INFINITY
      for (const lane of lanes.values())
        if (ready(lane)) least = Math.min(least, lane.waiting.peek()?.due_at ?? least)
      return least
    },
    clear(): number {
      const dropped = queued
      lanes.clear()
      queued = 0
      return dropped
    },
  }
}
