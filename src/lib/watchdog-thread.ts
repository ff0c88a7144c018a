/** The thread of watchdog.ts: looks whether the loop still moves. */
import { statfsSync, write } from 'node:fs'
import { workerData } from 'node:worker_threads'
import type { Watched } from './watchdog.ts'

interface Given {
  shared: Int32Array
  places: Watched
  tickMs: number
  dir: string | undefined
}

const { shared, places, tickMs, dir } = workerData as Given
let last = -1
/** Counted in ticks of this thread, not by a clock: while all of the process is stopped, or the machine sleeps, nothing counts. */
let stillMs = 0

setInterval(() => {
  const beats = Atomics.load(shared, places.beats)
  const moves = beats !== last || Atomics.load(shared, places.debugged) === 1
  last = beats
  stillMs = moves ? 0 : stillMs + tickMs
  if (stillMs >= Atomics.load(shared, places.stuckMs)) end()
}, tickMs)

/** So long the last line may take: nobody may read standard error, and a write to it then blocks. */
const lineMs = 500
let ending = false

function end(): void {
  if (ending) return
  ending = true
  const line = {
    level: 'fatal',
    time: new Date().toISOString(),
    still_s: Math.round(stillMs / 1_000),
    ...freeSpace(),
    msg: 'the event loop stands still; the process ends, so that it can be started again',
  }
  // PID 1 of a container is spared by the kernel; startWatchdog has warned of that.
  const kill = () => process.kill(process.pid, 'SIGKILL')
  setTimeout(kill, lineMs)
  // By a thread of the pool, so that this one is free to kill.
  write(2, `${JSON.stringify(line)}\n`, kill)
}

/** The likeliest reason. */
function freeSpace(): { free_mib?: number } {
  try {
    if (dir === undefined) return {}
    const { bavail, bsize } = statfsSync(dir)
    return { free_mib: Math.floor((bavail * bsize) / 2 ** 20) }
  } catch {
    return {}
  }
}
