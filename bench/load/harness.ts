/** What a benchmark needs around Spoke: one PostgreSQL for all, and a HubSpot of its own, each in processes that are counted apart. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import pg from 'pg'
import { redirectUri } from '../../test/support/emulator.ts'
import { adminQuery } from '../../test/support/postgres.ts'
import { type Databases, startDatabases } from '../prove/databases.ts'
import { parentOf } from './processes.ts'

export interface Harness {
  /** 1: the full benchmark; a fraction for a quick check. */
  scale: number
  postgresVersion: string
  /** Of the server; all its processes are below it. */
  postgresPid: number
  /** Migrated and empty. */
  createDatabase(): Promise<string>
  dropDatabase(url: string): Promise<void>
  /** What is committed meanwhile has reached the disk when it is answered, as where it counts. */
  durably<T>(work: () => Promise<T>): Promise<T>
  /** To somebody who waits. */
  say(line: string): void
  stop(): Promise<void>
}

export interface HubSpotProcess {
  url: string
  pid: number
  /** Its control API. */
  control<T = unknown>(method: string, path: string, body?: unknown): Promise<T>
  stop(): Promise<void>
}

/**
 * Never reached, and announced in the headers. With the emulator's limits switched off no answer names a limit, and Spoke would
 * use the smallest that HubSpot has.
 */
export const noLimits = {
  oauth_ten_secondly: 100_000,
  private_ten_secondly: 100_000,
  search_per_second: 100_000,
  associations_ten_secondly: 100_000,
  daily: null,
}

export const ticketScopes = ['oauth', 'tickets', 'crm.objects.owners.read']
export const allScopes = [
  ...ticketScopes,
  ...['contacts', 'companies', 'deals'].map((what) => `crm.objects.${what}.read`),
]

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** @param settings of the PostgreSQL server */
export async function startHarness(scale: number, settings: Record<string, string> = {}): Promise<Harness> {
  const databases: Databases = await startDatabases(settings)
  const postgresPid = await serverPid(databases)
  const lastWord = () => void process.kill(postgresPid, 'SIGQUIT')
  process.on('exit', lastWord)
  return {
    scale,
    postgresVersion: databases.version,
    postgresPid,
    createDatabase: () => databases.create(),
    async dropDatabase(url) {
      await adminQuery(`drop database if exists ${new URL(url).pathname.slice(1)} with (force)`)
    },
    async durably(work) {
      await setAll('on')
      try {
        return await work()
      } finally {
        await setAll('off')
      }
    },
    say: (line) => console.error(line),
    async stop() {
      process.off('exit', lastWord)
      await databases.stop()
    },
  }
}

const durable = ['fsync', 'synchronous_commit', 'full_page_writes']

/** @throws when the server does not take it */
async function setAll(to: 'on' | 'off'): Promise<void> {
  for (const name of durable) await adminQuery(`alter system set ${name} = ${to}`)
  await adminQuery('select pg_reload_conf()')
  for (let tries = 0; tries < 50; tries++) {
    const rows = await adminQuery(
      `select from pg_settings where name in (${durable.map((name) => `'${name}'`).join()}) and setting = '${to}'`,
    )
    if (rows.length === durable.length) return
    await pause(50)
  }
  throw new Error(`PostgreSQL does not turn fsync ${to}`)
}

/** The backend must be alive while its parent is looked up. */
async function serverPid(databases: Databases): Promise<number> {
  const url = await databases.create()
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query('select pg_backend_pid() as pid')
    return parentOf(rows[0].pid)
  } finally {
    await client.end()
    await adminQuery(`drop database ${new URL(url).pathname.slice(1)}`)
  }
}

/** The emulator as a process, with our app registered and no account. */
export async function startHubSpot(): Promise<HubSpotProcess> {
  const program = join(import.meta.dirname, '../../packages/emulator/src/main.ts')
  const child = spawn(process.execPath, [program, '--port', '0', '--empty'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lastWord = () => void child.kill('SIGKILL')
  process.on('exit', lastWord)
  const url = await addressOf(child)
  const hubspot: HubSpotProcess = {
    url,
    pid: child.pid as number,
    async control<T>(method: string, path: string, body?: unknown) {
      const answer = await fetch(`${url}/_emulator${path}`, {
        method,
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      })
      const text = await answer.text()
      if (!answer.ok) throw new Error(`emulator ${method} ${path}: ${answer.status} ${text}`)
      return JSON.parse(text) as T
    },
    async stop() {
      process.off('exit', lastWord)
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
    },
  }
  await hubspot.control('POST', '/apps', {
    client_id: 'test-client',
    client_secret: 'test-secret-of-the-app',
    redirect_uris: [redirectUri],
    required_scopes: ticketScopes,
  })
  return hubspot
}

async function addressOf(child: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let output = ''
  child.stdout?.on('data', (chunk) => {
    output += chunk
    const [, url] = /HubSpot emulator on (\S+)/.exec(output) ?? []
    if (url) resolve(url)
  })
  child.once('exit', () => reject(new Error(`the emulator ended at its start:\n${output}`)))
  return await promise
}

/** A new account and a pasted token to it. */
export async function newAccount(
  hubspot: HubSpotProcess,
  portal: Record<string, unknown>,
  scopes: readonly string[] = ticketScopes,
): Promise<{ hubId: number; token: string }> {
  const { portal_id } = await hubspot.control<{ portal_id: number }>('POST', '/portals', {
    plan: 'professional',
    ...portal,
  })
  const { token } = await hubspot.control<{ token: string }>('POST', `/portals/${portal_id}/tokens`, {
    kind: 'private_app',
    scopes,
  })
  return { hubId: portal_id, token }
}
