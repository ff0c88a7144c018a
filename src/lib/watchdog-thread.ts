/** The watchdog's thread: checks that the event loop still makes progress. */
import { statfsSync, write } from 'node:fs'
import { workerData } from 'node:worker_threads'
import type { WatchdogSlots } from './watchdog.ts'

interface Given {
  shared: Int32Array
  slots: WatchdogSlots
  tickMs: number
  dir: string | undefined
}

const { shared, slots, tickMs, dir } = workerData as Given
let last = -1
/**
 * Counted in ticks of this thread, not by a clock: while the whole process is stopped or the
 * machine sleeps, nothing counts.
 */
let stillMs = 0

setInterval(() => {
  const beats = Atomics.load(shared, slots.beats)
  const moves = beats !== last || Atomics.load(shared, slots.debugged) === 1
  last = beats
  stillMs = moves ? 0 : stillMs + tickMs
  if (stillMs >= Atomics.load(shared, slots.stuckMs)) end()
}, tickMs)

/** The time limit for the last line: a write to standard error blocks if nothing reads it. */
const lineMs = 500
let ending = false

function end(): void {
  if (ending) return
  ending = true
  const line = {
    level: 'fatal',
    time: new Date().toISOString(),
    blocked_s: Math.round(stillMs / 1_000),
    ...freeSpace(),
    msg: 'the event loop is blocked; the process ends, so that it can be restarted',
  }
  // The kernel does not kill PID 1 of a container; startWatchdog warns about that.
  const kill = () => process.kill(process.pid, 'SIGKILL')
  setTimeout(kill, lineMs)
  // The write runs on a pool thread, so that this one stays free to kill.
  write(2, `${JSON.stringify(line)}\n`, kill)
}

/** A full disk is the likeliest reason. */
function freeSpace(): { free_mib?: number } {
  try {
    if (dir === undefined) return {}
    const { bavail, bsize } = statfsSync(dir)
    return { free_mib: Math.floor((bavail * bsize) / 2 ** 20) }
  } catch {
    return {}
  }
}
