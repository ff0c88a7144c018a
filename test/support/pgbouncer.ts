/** A PgBouncer of our own in transaction mode before the tests' PostgreSQL, where one is installed. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import pg from 'pg'
import { freePort } from './free-port.ts'

const path = [process.env.PATH, '/usr/sbin', '/usr/local/sbin'].join(delimiter)

/** As `PgBouncer 1.18.0`; undefined where none is installed. */
export function pgbouncerVersion(): string | undefined {
  const { stdout, status } = spawnSync('pgbouncer', ['--version'], {
    env: { PATH: path },
    encoding: 'utf8',
  })
  return status === 0 ? stdout.split('\n')[0] : undefined
}

/** For `describe` and `test`: reported as skipped where there is none. */
export const withPgbouncer = pgbouncerVersion() ? {} : { skip: 'no pgbouncer is installed' }

export interface Pgbouncer {
  /** The database behind it. */
  url: string
  stop(): Promise<void>
}

/**
 * @param database to connect to
 * @param settings on top of transaction mode, as in pgbouncer.ini
 */
export async function startPgbouncer(
  database: string,
  settings: Record<string, string | number> = {},
): Promise<Pgbouncer> {
  const scratch = mkdtempSync(join(tmpdir(), 'spoke-pgbouncer-'))
  chmodSync(scratch, 0o755)
  const port = await freePort()
  const behind = new URL(database)
  const ini = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'trust',
    auth_file: join(scratch, 'users'),
    pool_mode: 'transaction',
    max_client_conn: 200,
    default_pool_size: 5,
    ...settings,
  }
  writeFileSync(join(scratch, 'users'), `"${behind.username}" ""\n`, { mode: 0o644 })
  writeFileSync(
    join(scratch, 'pgbouncer.ini'),
    [
      '[databases]',
      `* = host=${behind.hostname} port=${behind.port}`,
      '[pgbouncer]',
      ...Object.entries(ini).map(([name, value]) => `${name} = ${value}`),
      '',
    ].join('\n'),
    { mode: 0o644 },
  )
  // It refuses to run as root.
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }))
  const owner = process.getuid?.() === 0 ? { uid: id('-u'), gid: id('-g') } : {}
  const child = spawn('pgbouncer', ['-q', join(scratch, 'pgbouncer.ini')], {
    ...owner,
    env: { PATH: path },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  child.stderr.on('data', (chunk) => {
    log = `${log}${chunk}`.slice(-10_000)
  })
  const url = Object.assign(new URL(database), { port: String(port) }).toString()
  async function stop(): Promise<void> {
    if (child.exitCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    rmSync(scratch, { recursive: true, force: true })
  }
  for (let tries = 0; ; tries++) {
    const client = new pg.Client({ connectionString: url })
    try {
      await client.connect()
      return { url, stop }
    } catch (error) {
      if (tries > 100 || child.exitCode !== null) {
        await stop()
        throw new Error(`PgBouncer did not come up: ${log}`, { cause: error })
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
    } finally {
      await client.end().catch(() => {})
    }
  }
}
