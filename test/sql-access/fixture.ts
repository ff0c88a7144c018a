/**
 * A PostgreSQL of its own for tests of SQL access, set up as in production: passwords are checked, an
 * owner that is no superuser migrates, and another login serves. Roles belong to a whole server, so
 * what these tests do to roles would disturb others.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import pg from 'pg'
import type { Database } from '../../src/db/database.ts'
import { grantServingLogin } from '../../src/db/isolation/login.ts'
import { migrate } from '../../src/db/migrate.ts'
import { openDatabase } from '../../src/db/open-database.ts'
import { withTenant } from '../../src/db/scope.ts'
import type { TenantId } from '../../src/db/tenant-id.ts'
import { buildSearchRows } from '../../src/issues/search-index-store.ts'
import { upsertIssues } from '../../src/issues/upsert-store.ts'
import { createSqlLogin, newSqlLoginName } from '../../src/sql-access/sql-logins.ts'
import { quiet } from '../support/engines.ts'
import { startPostgres } from '../support/postgres-server.ts'
import { A, B, issueRow, seedTenant } from '../support/rows.ts'

export interface Reader {
  login: string
  password: string
  /** A new session. It is ended with the fixture, unless it ends before. */
  connect(): Promise<pg.Client>
}

export interface SqlAccessFixture {
  /** As the serving login. */
  db: Database
  owner: Database
  servingUrl: string
  ownerUrl: string
  /** As superuser, in the same database. */
  admin(statement: string): Promise<Record<string, unknown>[]>
  createReader(
    tenantId: TenantId,
    limits?: { statementSeconds?: number; connections?: number },
  ): Promise<Reader>
  close(): Promise<void>
}

export function withPassword(url: string, password: string): string {
  const full = new URL(url)
  full.password = password
  return full.toString()
}

/** In every text of tenant B, and in none of A. */
export const foreignWord = 'canary'

/** Issues of B, so many that the planner's statistics know their subject. */
const foreignIssues = 300

export async function startSqlAccess(): Promise<SqlAccessFixture> {
  const folder = mkdtempSync(join(tmpdir(), 'spoke-hba-'))
  const hba = join(folder, 'pg_hba.conf')
  writeFileSync(
    hba,
    ['postgres', 'owner', 'serving', 'all']
      .map((who) => `host all ${who} 127.0.0.1/32 ${who === 'all' ? 'scram-sha-256' : 'trust'}\n`)
      .join(''),
  )
  // The server runs as another user.
  chmodSync(folder, 0o755)
  const server = await startPostgres({ hba_file: hba })
  const urlOf = (login: string, database = 'spoke') => {
    const url = new URL(server.url)
    url.username = login
    url.pathname = `/${database}`
    return url.toString()
  }
  const adminOf = async (database: string, statement: string) => {
    const client = new pg.Client({ connectionString: urlOf('postgres', database) })
    await client.connect()
    try {
      return (await client.query(statement)).rows as Record<string, unknown>[]
    } finally {
      await client.end()
    }
  }
  await adminOf('postgres', 'create role owner login createrole')
  await adminOf('postgres', 'create role serving login noinherit')
  await adminOf('postgres', 'create database spoke owner owner')
  const [ownerUrl, servingUrl] = [urlOf('owner'), urlOf('serving')]
  const owner = await openDatabase({ url: ownerUrl, dataDir: '', poolSize: 2 }, quiet)
  await migrate(owner)
  await grantServingLogin(owner, 'serving')
  const db = await openDatabase({ url: servingUrl, dataDir: '', poolSize: 4 }, quiet)
  for (const tenantId of [A, B]) await seedIssues(owner, db, tenantId)
  await adminOf('spoke', 'analyze')
  const sessions: pg.Client[] = []
  return {
    db,
    owner,
    ownerUrl,
    servingUrl,
    admin: (statement) => adminOf('spoke', statement),
    async createReader(tenantId, { statementSeconds = 30, connections = 5 } = {}) {
      const login = newSqlLoginName()
      const made = { login, name: null, statementSeconds, connections }
      const password = (await createSqlLogin({ db, owner }, tenantId, made)).reveal()
      return {
        login,
        password,
        async connect() {
          const client = new pg.Client({ connectionString: withPassword(urlOf(login), password) })
          client.on('error', () => {})
          await client.connect()
          sessions.push(client)
          return client
        },
      }
    },
    async close() {
      for (const session of sessions) await session.end().catch(() => {})
      await db.close()
      await owner.close()
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function seedIssues(owner: Database, db: Database, tenantId: TenantId): Promise<void> {
  // The seed also writes what only the system role may.
  const integration = await seedTenant(owner, tenantId, tenantId === A ? 1 : 2)
  const rows =
    tenantId === A
      ? [issueRow('10', { subject: 'ours', properties: { hs_ticket_priority: 'LOW' } })]
      : Array.from({ length: foreignIssues }, (_, at) =>
          issueRow(String(100 + at), {
            subject: foreignWord,
            properties: { hs_ticket_priority: foreignWord },
          }),
        )
  await withTenant(db, tenantId, async (scope) => {
    await upsertIssues(scope, integration, rows, new Date())
    while (await buildSearchRows(scope, integration, 1_000));
    await scope.query(sql`
      update labels set label = ${tenantId === A ? 'Our pipeline' : foreignWord} where tenant_id = ${tenantId}`)
  })
}
