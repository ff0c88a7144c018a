/**
 * Kills the process when its event loop hangs, so that its supervisor can restart it. Code in the
 * loop cannot do that: an embedded database that runs out of disk space blocks the loop forever,
 * and then no signal is handled either.
 */
import inspector from 'node:inspector'
import { Worker } from 'node:worker_threads'
import type { Log } from './log.ts'

export interface Watchdog {
  /** Call it after start-up: from then on, the longer limit for migrations no longer applies. */
  started(): void
  stop(): Promise<void>
}

/** The slots of the memory shared with the thread. */
export interface WatchdogSlots {
  /** Incremented by the loop. */
  beats: 0
  /** 1 while a debugger may pause the loop. */
  debugged: 1
  /** How long the loop may hang, ms. */
  stuckMs: 2
}

const slots: WatchdogSlots = { beats: 0, debugged: 1, stuckMs: 2 }
/**
 * The first start creates a database, and a migration may rewrite a table: single statements that
 * block the loop when the database is embedded.
 */
const startFactor = 10
const beatsInLimit = 10

/**
 * @param stuckMs how long the loop may hang after start-up
 * @param dir a directory on the disk whose free space the last line reports; absent when the
 * database is elsewhere
 */
export function startWatchdog(stuckMs: number, dir: string | undefined, log: Log): Watchdog {
  // The kernel ignores SIGKILL to PID 1 from inside its own PID namespace.
  if (process.pid === 1)
    log.warn(
      'the service is PID 1, which the watchdog cannot end if it hangs; start it under an init (docker run --init, or shareProcessNamespace in Kubernetes)',
    )
  const shared = new Int32Array(new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT))
  Atomics.store(shared, slots.stuckMs, stuckMs * startFactor)
  const beatMs = Math.min(1_000, stuckMs / beatsInLimit)
  const beat = setInterval(() => {
    Atomics.add(shared, slots.beats, 1)
    Atomics.store(shared, slots.debugged, inspector.url() === undefined ? 0 : 1)
  }, beatMs).unref()
  const thread = new Worker(new URL('./watchdog-thread.ts', import.meta.url), {
    workerData: { shared, slots, tickMs: 2 * beatMs, dir },
    name: 'watchdog',
    env: {},
    // Do not inherit the service's heap size.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
  })
  thread.on('error', (err) => log.warn({ err }, 'the watchdog ended; nothing ends the process if it hangs'))
  thread.unref()
  return {
    started: () => void Atomics.store(shared, slots.stuckMs, stuckMs),
    async stop() {
      clearInterval(beat)
      await thread.terminate()
    },
  }
}
