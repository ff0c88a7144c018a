/** `spoke sql-access`: create, list and revoke the logins that read one tenant's views in SQL. */
import { type Command, InvalidArgumentError } from 'commander'
import { withCommandDatabase, withOwnerDatabase } from '../app/open.ts'
import { requireMatchingKeyRing, StartError } from '../app/preflight.ts'
import { databaseErrorReason } from '../db/database-errors.ts'
import { readerWarnings } from '../db/isolation/readers.ts'
import { withSystem } from '../db/scope.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { AppError } from '../lib/errors.ts'
import { createSqlLogin, findSqlLogin, newSqlLoginName, revokeSqlLogin } from '../sql-access/sql-logins.ts'
import { listSqlLogins, type SqlLogin } from '../sql-access/store.ts'
import { runAuditedCommand } from './audited-command.ts'
import { commandLog, printNotice, readCommandConfig } from './console.ts'
import { seconds } from './duration.ts'

interface Options {
  json?: boolean
}

const limits = { statementSeconds: 3_600, connections: 100, nameLength: 200 }

function statementSeconds(text: string): number {
  const given = seconds(text)
  if (given < 1 || given > limits.statementSeconds)
    throw new InvalidArgumentError('It must be from 1s to 1h.')
  return given
}

function connections(text: string): number {
  if (!/^\d{1,3}$/.test(text) || Number(text) < 1 || Number(text) > limits.connections)
    throw new InvalidArgumentError(`It must be a number from 1 to ${limits.connections}.`)
  return Number(text)
}

function name(text: string): string {
  if (text.trim() === '' || text.length > limits.nameLength || /\p{Cc}/u.test(text))
    throw new InvalidArgumentError(`It must be one line of 1 to ${limits.nameLength} characters.`)
  return text
}

export function addSqlAccessCommands(program: Command): void {
  const access = program.command('sql-access').description('logins that read one tenant’s views in SQL')

  access
    .command('create')
    .description('create a login for a tenant and show its password once')
    .argument('<tenant_id>')
    .option('--name <name>', 'who or what uses the login, for people to read', name)
    .option('--statement-timeout <duration>', 'how long a statement may run', statementSeconds, 30)
    .option('--connections <count>', 'how many sessions may be open at once', connections, 5)
    .option('--json', 'print the login as JSON')
    .action(
      async (
        tenant: string,
        given: Options & { name?: string; statementTimeout: number; connections: number },
      ) => {
        const tenantId = parsedTenantId(tenant)
        const login = newSqlLoginName()
        const read = readCommandConfig()
        await withOwnerDatabase(read, commandLog(), async ({ db, owner }) => {
          await requireMatchingKeyRing(db, read)
          const made = {
            login,
            name: given.name ?? null,
            statementSeconds: given.statementTimeout,
            connections: given.connections,
          }
          const audit = { db, ring: read.keyRing }
          const password = await runAuditedCommand(
            audit,
            'sql-access.create',
            { tenantId, target: `sql_login:${login}` },
            () => createSqlLogin({ db, owner }, tenantId, made),
          ).catch(explain)
          for (const warning of await readerWarnings(db)) printNotice(`spoke: warning: ${warning}`)
          if (given.json)
            return console.log(
              JSON.stringify({
                login,
                password: password.reveal(),
                tenant_id: tenantId,
                name: made.name,
                statement_seconds: made.statementSeconds,
                connections: made.connections,
              }),
            )
          printNotice(
            `login ${login}, statements up to ${made.statementSeconds} s, ${made.connections} connections`,
          )
          printNotice('its password, shown only this once:')
          console.log(password.reveal())
        })
      },
    )

  access
    .command('list')
    .description('list the logins of a tenant, or of all tenants, without their passwords')
    .argument('[tenant_id]')
    .option('--json', 'print the logins as JSON')
    .action(async (tenant: string | undefined, { json }: Options) => {
      const tenantId = tenant === undefined ? undefined : parsedTenantId(tenant)
      await withCommandDatabase(readCommandConfig(), commandLog(), async (db) => {
        const all = await withSystem(db, (scope) => listSqlLogins(scope, { tenantId }))
        if (json) return console.log(JSON.stringify({ sql_logins: all }))
        for (const one of all) console.log(lineOf(one))
      })
    })

  access
    .command('revoke')
    .description('drop a login and end its sessions')
    .argument('<login>')
    .option('--json', 'print the outcome as JSON')
    .action(async (login: string, { json }: Options) => {
      const read = readCommandConfig()
      await withOwnerDatabase(read, commandLog(), async ({ db, owner }) => {
        await requireMatchingKeyRing(db, read)
        const found = await findSqlLogin(db, login)
        if (!found) throw new StartError(`this database has no SQL login "${login}"`)
        const audit = { db, ring: read.keyRing }
        const target = { tenantId: found.tenant_id ?? undefined, target: `sql_login:${login}` }
        await runAuditedCommand(audit, 'sql-access.revoke', target, () =>
          revokeSqlLogin({ db, owner }, found.tenant_id, login),
        ).catch(explain)
        console.log(json ? JSON.stringify({ login, revoked: true }) : `login ${login} is revoked`)
      })
    })
}

function parsedTenantId(text: string) {
  try {
    return parseTenantId(text)
  } catch (error) {
    return explain(error)
  }
}

/** Several lines, so that each fits a terminal. */
function lineOf(one: SqlLogin): string {
  const state = one.tenant_id === null ? 'no tenant: revoke it' : one.exists ? 'valid' : 'its role is missing'
  const limit = one.statement_seconds === null ? '' : `  statements up to ${one.statement_seconds} s`
  return [
    `${one.login}  ${state}`,
    ...(one.tenant_id === null ? [] : [`  tenant ${one.tenant_id}`]),
    `  ${one.sessions} of ${one.connections ?? '-'} connections${limit}`,
    ...(one.name === null ? [] : [`  ${one.name}`]),
  ].join('\n')
}

/** What depends on a role. It names objects of the operator, and no value. */
const detailOf = (error: unknown) => {
  const { detail } = error as { detail?: string }
  return detail === undefined ? '' : ` (${detail.replaceAll('\n', ', ')})`
}

/** @throws StartError with what the operator can do */
function explain(error: unknown): never {
  if (error instanceof AppError) throw new StartError(`${error.message} (${error.code})`)
  const code = (error as { code?: string }).code
  if (code === '42501')
    throw new StartError(
      'the migrating login may not do this; as an administrator, give it CREATEROLE, and: grant spoke_reader, spoke_guard to it with admin option',
    )
  if (code === '2BP01')
    throw new StartError(
      `the login can no longer connect, and its sessions are ended, but it cannot be dropped yet: ${databaseErrorReason(error)}${detailOf(error)}. Revoke those as their owner, then run this again`,
    )
  throw error
}
