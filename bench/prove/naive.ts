/** The naive sync as a system under test: a process for each scenario, which a run that never ends does not outlive. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import pg from 'pg'
import type { Ending } from '../naive/main.ts'
import { naiveProperties } from '../naive/properties.ts'
import type { RunReport, SyncType, SystemUnderTest } from './system.ts'

const program = join(import.meta.dirname, '../naive/main.ts')

/** @param within seconds that each run gets */
export async function startNaive(
  emulatorUrl: string,
  token: string,
  databaseUrl: string,
  within: number,
): Promise<SystemUnderTest> {
  let child: ChildProcess
  const lastWord = () => void child.kill('SIGKILL')
  process.on('exit', lastWord)

  async function start(): Promise<void> {
    // The client writes each retry to standard error.
    child = fork(program, { silent: true, env: { PATH: process.env.PATH, ...settings } })
    child.stdout?.resume()
    child.stderr?.resume()
    await once(child, 'message')
  }
  const settings = { HUBSPOT_API_URL: emulatorUrl, HUBSPOT_TOKEN: token, DATABASE_URL: databaseUrl }

  async function kill(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  async function run(type: SyncType): Promise<RunReport> {
    if (child.signalCode !== null || child.exitCode !== null) await start()
    const over = new AbortController()
    const answered = once(child, 'message', { signal: over.signal }).then(([ending]) => ending as Ending)
    const gone = once(child, 'exit', { signal: over.signal }).then(
      (): Ending => ({ ended: 'badly', why: 'killed' }),
    )
    const timeUp = new Promise<undefined>((resolve) => {
      const timer = setTimeout(() => resolve(undefined), within * 1_000)
      over.signal.addEventListener('abort', () => clearTimeout(timer))
    })
    child.send(type)
    for (const one of [answered, gone]) one.catch(() => {})
    const ending = await Promise.race([answered, gone, timeUp])
    over.abort()
    if (!ending) {
      await kill()
      return report(false, 'never ended', `never ended (${within} s)`)
    }
    if (ending.ended === 'well') return report(true, 'succeeded', 'succeeded')
    return report(true, 'failed', `failed: ${ending.why}`)
  }

  await start()
  return {
    name: 'naive',
    properties: naiveProperties,
    full: () => run('full'),
    incremental: () => run('incremental'),
    async rows() {
      const db = new pg.Client({ connectionString: databaseUrl })
      await db.connect()
      try {
        const { rows } = await db.query('select ticket_id, properties from naive_tickets')
        return rows.map((row) => ({ id: row.ticket_id, state: 'live' as const, properties: row.properties }))
      } finally {
        await db.end()
      }
    },
    async killAndRestart() {
      await kill()
      await start()
    },
    async stop() {
      process.off('exit', lastWord)
      await kill()
    },
  }
}

function report(ended: boolean, state: string, reported: string): RunReport {
  return { ended, state, reported, waitedFor: [], failed: 0, event: {} }
}
