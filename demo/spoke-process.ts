/** Spoke as a user runs it: `bin/spoke.js serve` in a process and a temporary directory of its own. Ends by its pid. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const command = join(import.meta.dirname, '../bin/spoke.js')

export interface SpokeProcess {
  /** Holds the data, the key and the log. */
  dir: string
  log: string
  /** Resolves when it answers. @throws Error with the last lines of its log when it ended instead */
  ready(withinMs: number, signal: AbortSignal): Promise<void>
  /** Aborts when the process ends before stop() was called. */
  ended: AbortSignal
  /** Ends the process and removes its directory; `keepLog` leaves the log file where it is. */
  stop(keepLog?: boolean): Promise<void>
}

/**
 * Starts with a clean environment, so that a DATABASE_URL or a real HubSpot's secret of the caller is not touched.
 *
 * @param base where it will listen, according to `env`
 */
export function startSpoke(base: string, env: Record<string, string>): SpokeProcess {
  const dir = mkdtempSync(join(tmpdir(), 'spoke-run-'))
  const log = join(dir, 'spoke.log')
  const file = openSync(log, 'w', 0o600)
  const inherited = Object.fromEntries(
    ['PATH', 'HOME', 'TMPDIR', 'TZ', 'SYSTEMROOT', 'NODE_COMPILE_CACHE'].flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
  // The data lands in ./data, as it does for everybody.
  const child = spawn(process.execPath, [command, 'serve'], {
    cwd: dir,
    env: { ...inherited, ...env },
    stdio: ['ignore', file, file],
  })
  closeSync(file)
  const ended = new AbortController()
  // However the caller ends, its child does not stay behind.
  const lastWord = () => void child.kill('SIGKILL')
  process.once('exit', lastWord)
  let stopping = false
  const gone = once(child, 'exit').catch(() => {})
  void gone.then(() => {
    if (!stopping) ended.abort(new Error(`Spoke ended by itself:\n${lastLines(log)}`))
  })

  return {
    dir,
    log,
    ended: ended.signal,
    async ready(withinMs, signal) {
      const end = Date.now() + withinMs
      while (Date.now() < end) {
        ended.signal.throwIfAborted()
        signal.throwIfAborted()
        const answer = await fetch(`${base}/readyz`, { signal: AbortSignal.timeout(3_000) }).catch(
          () => undefined,
        )
        if (answer?.ok) return
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      throw new Error(`Spoke did not answer within ${withinMs / 1_000} s:\n${lastLines(log)}`)
    },
    async stop(keepLog = false) {
      stopping = true
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM')
        // It gives itself ten seconds; after that it is not going to.
        const kill = setTimeout(() => child.kill('SIGKILL'), 12_000)
        await gone
        clearTimeout(kill)
      }
      process.off('exit', lastWord)
      for (const path of keepLog ? ['data', 'data.keys'] : ['.'])
        rmSync(join(dir, path), { recursive: true, force: true })
    },
  }
}

function lastLines(log: string): string {
  try {
    return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-5).join('\n')
  } catch {
    return '(no log)'
  }
}
