/**
 * Ends the process when its event loop stands still, so that whoever started it can start it again. Nothing in the loop could
 * do that: an embedded database that finds no room on its disk never gives it back, and then no signal is handled either.
 */
import inspector from 'node:inspector'
import { Worker } from 'node:worker_threads'
import type { Log } from './log.ts'

export interface Watchdog {
  /** The start is over, so no step of a migration may hold the loop any more. */
  started(): void
  stop(): Promise<void>
}

/** What the thread sees of the loop. */
export interface Watched {
  /** Counted up by the loop. */
  beats: 0
  /** 1 while a debugger may hold the loop. */
  debugged: 1
  /** How long the loop may stand still, ms. */
  stuckMs: 2
}

const places: Watched = { beats: 0, debugged: 1, stuckMs: 2 }
/** The first start lays out a database, and a migration may rewrite a table: each in one statement, within the loop when embedded. */
const startFactor = 10
const beatsInLimit = 10

/**
 * @param stuckMs how long the loop may stand still once the start is over
 * @param dir the disk that the last line tells of; absent where the database is elsewhere
 */
export function startWatchdog(stuckMs: number, dir: string | undefined, log: Log): Watchdog {
  // The kernel ignores SIGKILL to PID 1 from inside its own PID namespace.
  if (process.pid === 1)
    log.warn(
      'the service is PID 1, which the watchdog cannot end if it hangs; start it under an init (docker run --init, or shareProcessNamespace in Kubernetes)',
    )
  const shared = new Int32Array(new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT))
  Atomics.store(shared, places.stuckMs, stuckMs * startFactor)
  const beatMs = Math.min(1_000, stuckMs / beatsInLimit)
  const beat = setInterval(() => {
    Atomics.add(shared, places.beats, 1)
    Atomics.store(shared, places.debugged, inspector.url() === undefined ? 0 : 1)
  }, beatMs).unref()
  const thread = new Worker(new URL('./watchdog-thread.ts', import.meta.url), {
    workerData: { shared, places, tickMs: 2 * beatMs, dir },
    name: 'watchdog',
    env: {},
    // Not the heap of the service.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
  })
  thread.on('error', (err) => log.warn({ err }, 'the watchdog ended; nothing ends the process if it hangs'))
  thread.unref()
  return {
    started: () => void Atomics.store(shared, places.stuckMs, stuckMs),
    async stop() {
      clearInterval(beat)
      await thread.terminate()
    },
  }
}
