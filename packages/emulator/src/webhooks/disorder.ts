// What goes wrong on the way on purpose: duplicates, loss, delay, wrong order, ids that are not unique. The same seed
// spoils the same events.
import { unit } from '../random.ts'
import type { WebhookEvent } from './types.ts'

// Shares are of all events, from 0 to 1.
export type Disorder = {
  seed: number
  lost: number
  duplicated: number
  // The copy has an eventId of its own, as if HubSpot had noticed the change twice.
  duplicated_with_new_id: number
  // The event takes the eventId of the one before it.
  colliding_ids: number
  delayed: number
  // A delayed event comes up to this much later, on HubSpot's clock.
  delay_ms: number
  // The event changes its place with one up to `reorder_span` places away.
  reordered: number
  reorder_span: number
}

export const NO_DISORDER: Readonly<Disorder> = {
  seed: 1,
  lost: 0,
  duplicated: 0,
  duplicated_with_new_id: 0,
  colliding_ids: 0,
  delayed: 0,
  delay_ms: 60_000,
  reordered: 0,
  reorder_span: 50,
}

export type Parcel = { event: WebhookEvent; delay_ms: number; shift: number }

/** What becomes of the `n`th event: nothing when it is lost, itself, or itself and copies. */
export function disturb(
  disorder: Disorder,
  n: number,
  event: WebhookEvent,
  previousId: number | null,
  nextId: () => number,
): Parcel[] {
  const { seed } = disorder
  const roll = (what: number, copy = 0) => unit(seed, n, what, copy)
  if (roll(1) < disorder.lost) return []
  const first =
    roll(2) < disorder.colliding_ids && previousId !== null ? { ...event, eventId: previousId } : event
  const copies = [first]
  if (roll(3) < disorder.duplicated) copies.push(first)
  if (roll(4) < disorder.duplicated_with_new_id) copies.push({ ...first, eventId: nextId() })
  return copies.map((one, copy) => ({
    event: one,
    delay_ms: roll(5, copy) < disorder.delayed ? Math.ceil(roll(6, copy) * disorder.delay_ms) : 0,
    shift:
      roll(7, copy) < disorder.reordered ? Math.round((roll(8, copy) * 2 - 1) * disorder.reorder_span) : 0,
  }))
}

/** Takes the given shares over, or throws and changes nothing. */
export function setDisorder(disorder: Disorder, given: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(NO_DISORDER, name)) throw new Error(`there is no disorder called ${name}`)
    const share = !['seed', 'delay_ms', 'reorder_span'].includes(name)
    if (typeof value !== 'number' || !(value >= 0) || (share && value > 1))
      throw new Error(`${name} must be a number${share ? ' from 0 to 1' : ' of at least 0'}`)
  }
  Object.assign(disorder, given)
}
