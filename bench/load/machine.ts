/** The machine and the version of the code that was measured: without them the figures mean nothing. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { round } from './result.ts'

const root = join(import.meta.dirname, '../..')

export function machine(postgres: string) {
  const cores = cpus()
  return {
    cores: cores.length,
    model: cores[0]?.model.trim() ?? 'unknown',
    memory_gib: round(totalmem() / 2 ** 30, 1),
    kernel: release(),
    node: process.versions.node,
    postgres,
    /** At the start: what else the machine was doing, runnable processes over 1, 5 and 15 minutes. */
    load_before: loadavg().map((load) => round(load)),
  }
}

/** Seconds of our processors that other guests of the host have had so far; null where the kernel does not report it. */
export function stolenSeconds(): number | null {
  try {
    const [, , , , , , , , stolen] = readFileSync('/proc/stat', 'utf8').split(/\s+/, 9)
    return Number(stolen) / 100
  } catch {
    return null
  }
}

/** null outside of a checkout. */
export function commit(): { id: string; clean: boolean } | null {
  const git = (...words: string[]) =>
    execFileSync('git', words, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  try {
    return { id: git('rev-parse', '--short', 'HEAD'), clean: git('status', '--porcelain') === '' }
  } catch {
    return null
  }
}
