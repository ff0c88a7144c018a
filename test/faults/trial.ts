/** A copy of the tree to plant faults in, and one run of one test file there. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import type { Fault } from './fault.ts'
import { placeOf, readSources } from './place.ts'
import type { Outcome } from './reporter.ts'

const root = join(import.meta.dirname, '../..')
/** Of one run, the start of its PostgreSQL included. */
const withinMs = 120_000

export interface Trial {
  outcomes: Outcome[]
  /** Absent when the run had to be ended. */
  exitCode: number | null | undefined
  ms: number
}

export interface Copy {
  /** Its folder. */
  at: string
  /** Runs the test file, or those of its tests whose name one of `only` fits; with a fault, while it is planted. */
  run(test: string, only: readonly string[], fault?: Fault): Promise<Trial>
  remove(): void
}

export function copyTree(): Copy {
  const at = mkdtempSync(join(tmpdir(), 'spoke-faults-'))
  const left = /^(node_modules|\.git|data.*)$/
  cpSync(root, at, { recursive: true, filter: (path) => !left.test(relative(root, path)) })
  symlinkSync(realpathSync(join(root, 'node_modules')), join(at, 'node_modules'))
  const sources = readSources(at)
  return {
    at,
    async run(test, only, fault) {
      if (!fault) return await runTest(at, test, only)
      const { file, planted } = placeOf(fault, sources)
      writeFileSync(join(at, file), planted)
      try {
        return await runTest(at, test, only)
      } finally {
        writeFileSync(join(at, file), sources.get(file) as string)
      }
    },
    remove: () => rmSync(at, { recursive: true, force: true }),
  }
}

async function runTest(cwd: string, test: string, only: readonly string[]): Promise<Trial> {
  const began = performance.now()
  const args = [
    '--test',
    '--test-timeout=60000',
    '--test-global-setup=test/support/global-setup.ts',
    '--test-reporter=./test/faults/reporter.ts',
    ...only.map((name) => `--test-name-pattern=${name}`),
    test,
  ]
  // A group of its own, so that what it started ends with it.
  const env = { ...process.env, SPOKE_TEST_PATIENCE_MS: '20000' }
  const child = spawn(process.execPath, args, {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let said = ''
  child.stdout.on('data', (chunk) => {
    said += chunk
  })
  const end = (signal: NodeJS.Signals) => process.kill(-(child.pid as number), signal)
  const late = setTimeout(() => end('SIGTERM'), withinMs)
  const tooLate = setTimeout(() => end('SIGKILL'), withinMs + 10_000)
  const [exitCode] = (await once(child, 'close')) as [number | null]
  clearTimeout(late)
  clearTimeout(tooLate)
  const ms = performance.now() - began
  const outcomes = said
    .split('\n')
    .flatMap((line): Outcome[] => (line.startsWith('{') ? [JSON.parse(line)] : []))
  return { outcomes, exitCode: ms >= withinMs ? undefined : exitCode, ms }
}
