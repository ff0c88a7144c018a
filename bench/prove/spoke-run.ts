/** A run of Spoke, watched through the API to its end: what a client sees. */
import { setTimeout as pause } from 'node:timers/promises'
import type { RunReport } from './system.ts'

export interface Reply {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes are looked into
  body: any
}

const pollMs = 60

/** @param get reads the run from Spoke */
export async function follow(get: () => Promise<Reply>, withinSeconds: number): Promise<RunReport> {
  const end = Date.now() + withinSeconds * 1_000
  const seen: string[] = []
  const waitedFor = new Set<string>()
  let event: Record<string, unknown> = {}
  while (Date.now() < end) {
    // A process that was just killed does not answer.
    const reply = await get().catch(() => undefined)
    if (reply?.status === 200) {
      event = reply.body
      const { state, waiting_for } = event
      if (waiting_for) waitedFor.add(String(waiting_for))
      if (state === 'waiting') note(seen, `waiting: ${waiting_for}`)
      if (typeof event.finished_at === 'string') {
        note(seen, ending(event))
        return report(true, String(state), seen, waitedFor, event)
      }
    }
    await pause(pollMs)
  }
  note(seen, `still ${event.state} after ${withinSeconds} s`)
  return report(false, String(event.state), seen, waitedFor, event)
}

/** A run that did not start, with the message of the refusal. */
export function refused({ status, body }: Reply): RunReport {
  const words = `refused ${status} ${body.code}: ${body.error}`
  return { ended: true, state: 'refused', reported: words, waitedFor: [], failed: 0, event: body }
}

function ending({ state, failed, error_code, error }: Record<string, unknown>): string {
  if (state === 'partial' || Number(failed) > 0) {
    return `${state}, ${failed} not stored${error_code ? ` (${error_code})` : ''}`
  }
  return error_code ? `${state} ${error_code}: ${error}` : String(state)
}

function note(seen: string[], what: string): void {
  if (seen.at(-1) !== what) seen.push(what)
}

function report(
  ended: boolean,
  state: string,
  seen: string[],
  waitedFor: Set<string>,
  event: Record<string, unknown>,
): RunReport {
  return {
    ended,
    state,
    reported: seen.join(', then '),
    waitedFor: [...waitedFor],
    failed: Number(event.failed ?? 0),
    event,
  }
}
