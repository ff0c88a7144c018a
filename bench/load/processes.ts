/** CPU and memory of processes, as Linux counts them under /proc. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** utime, stime and so on are in ticks, on nearly every Linux 100 a second. */
const tickMicros = 1_000_000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

interface Stat {
  parent: number
  micros: number
}

/** @returns undefined when the process has exited */
function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in brackets and may hold anything.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
    return { parent: Number(fields[1]), micros: ticks * tickMicros }
  } catch {
    return undefined
  }
}

/** CPU microseconds so far of a process and of all below it, those that have ended included. */
export function cpuMicros(pid: number): number {
  const stats = new Map<number, Stat>()
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : undefined
    if (stat) stats.set(Number(name), stat)
  }
  const isBelow = (one: number): boolean => {
    for (let at: number | undefined = one; at !== undefined && at > 1; at = stats.get(at)?.parent)
      if (at === pid) return true
    return false
  }
  let micros = 0
  for (const [one, stat] of stats) if (isBelow(one)) micros += stat.micros
  return micros
}

/** Resident memory of one process now, MiB. */
export function residentMiB(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kib) / 1_024
}

/** The parent of a process: of a PostgreSQL backend, the server. */
export function parentOf(pid: number): number {
  const stat = statOf(pid)
  if (!stat) throw new Error(`process ${pid} has exited`)
  return stat.parent
}
