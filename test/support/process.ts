/** The service as a process of its own, as a user starts it. Ended by the test that started it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { inherited } from './command.ts'

const root = join(import.meta.dirname, '../..')

export interface SpokeProcess {
  child: ChildProcess
  /** All it printed so far. */
  output(): string
  /** Where it listens; rejects when it ends before it does. */
  url: Promise<string>
  exit: Promise<number | null>
  /** Sends the signal and waits for the end. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null>
}

/** The flags of `npm start`: garbage is collected earlier, and memory stays flat under a long load. */
const heap = ['--max-semi-space-size=8', '--initial-heap-size=96', '--max-old-space-size=512']

/** V8 does not optimize the embedded database's code: the process ends before that would pay off. */
const quickStart = '--liftoff-only'

/**
 * @param cwd the parent of `./data`
 * @param watch gets what it prints once it listens, which is then not recorded: for a run with unbounded output
 * @param words the script and its arguments
 */
export function startProcess(
  cwd: string,
  env: Record<string, string> = {},
  watch?: (text: string) => void,
  words: readonly string[] = ['bin/spoke.js', 'serve'],
): SpokeProcess {
  const [script = '', ...args] = words
  const child = spawn(process.execPath, [quickStart, ...heap, join(root, script), ...args], {
    cwd,
    // The watchdog is a thread of its own, and costs as much as a small test.
    env: { ...inherited(), PORT: '0', LOG_LEVEL: 'info', SPOKE_WATCHDOG: '0s', ...env },
  })
  let output = ''
  const { promise: url, resolve, reject } = Promise.withResolvers<string>()
  let listens = false
  const collect = (chunk: Buffer) => {
    if (listens && watch) return watch(String(chunk))
    output += chunk
    if (listens) return
    const [, found] = /"url":"([^"]+)","database".*Spoke is listening/.exec(output) ?? []
    if (!found) return
    listens = true
    resolve(found)
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const exit = once(child, 'exit').then(([code]) => code as number | null)
  exit.then(() => reject(new Error(`the service ended before it listened:\n${output}`)))
  url.catch(() => {})
  return {
    child,
    output: () => output,
    url,
    exit,
    async end(signal) {
      child.kill(signal)
      return await exit
    },
  }
}

/** The same, but its worker polls as often as in `startTestService`. */
export const startShortPolling = (cwd: string, env: Record<string, string>): SpokeProcess =>
  startProcess(cwd, env, undefined, ['test/support/serve.ts'])
