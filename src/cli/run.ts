/** The spoke command: its subcommands, and the error messages for the operator. */
import { Command } from 'commander'
import { migrateAll } from '../app/open.ts'
import { StartError } from '../app/preflight.ts'
import { ConfigError } from '../config.ts'
import { databaseErrorReason, isDatabaseError } from '../db/database-errors.ts'
import { LockedError } from '../db/directory-lock.ts'
import { DatabaseStartError } from '../db/wait-for-postgres.ts'
import { createLog, scrub } from '../lib/log.ts'
import { nearestName } from '../lib/nearest-name.ts'
import { version } from '../lib/version.ts'
import { addApiKeyCommands } from './api-key-commands.ts'
import { addAuditCommands } from './audit-commands.ts'
import { commandLog, printNotice, readCommandConfig } from './console.ts'
import { addDoctorCommands } from './doctor-command.ts'
import { addKeyRingCommands } from './key-ring-commands.ts'
import { serve } from './serve.ts'
import { addSqlAccessCommands } from './sql-access-commands.ts'
import { addTenantCommands } from './tenant-commands.ts'
import { addWebhookCommands } from './webhook-commands.ts'

/**
 * Runs a command. On failure, prints one line to standard error and exits with 1, whatever is still
 * open.
 *
 * @param words the arguments, without the program's name
 */
export async function runCommand(words: readonly string[]): Promise<void> {
  try {
    const program = createProgram()
    refuseUnknown(program, words[0])
    await program.parseAsync(words, { from: 'user' })
  } catch (error) {
    const forOperator =
      error instanceof ConfigError ||
      error instanceof LockedError ||
      error instanceof DatabaseStartError ||
      error instanceof StartError
    printNotice(`spoke: ${forOperator ? error.message : startFailure(error)}`)
    process.exit(1)
  }
}

/** Without this, the default command would take a misspelled command as its argument. */
function refuseUnknown(program: Command, word: string | undefined): void {
  const names = [...program.commands.map((command) => command.name()), 'help']
  if (word === undefined || word.startsWith('-') || names.includes(word)) return
  const near = nearestName(word, names)
  program.error(`error: unknown command '${word}'${near ? `\n(Did you mean ${near}?)` : ''}`)
}

function createProgram(): Command {
  const program = new Command('spoke')
    .description('Keeps the HubSpot tickets of many tenants in sync in one Postgres database.')
    .version(version)
    .showHelpAfterError()

  program
    .command('serve', { isDefault: true })
    .description('run the service: API and worker, unless SPOKE_ROLE says otherwise')
    .action(() => serve({}))

  program
    .command('worker')
    .description('run only a worker (same as SPOKE_ROLE=worker)')
    .action(() => serve({ SPOKE_ROLE: 'worker' }))

  program
    .command('migrate')
    .description('bring the database schema up to date and exit')
    .option('--json', 'print the applied migrations as JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const read = readCommandConfig()
      const applied = await migrateAll(read, commandLog())
      if (json) console.log(JSON.stringify({ applied }))
      else console.log(applied.length > 0 ? `applied ${applied.join(', ')}` : 'the schema is up to date')
    })

  addTenantCommands(program)
  addApiKeyCommands(program)
  addDoctorCommands(program)
  addKeyRingCommands(program)
  addAuditCommands(program)
  addSqlAccessCommands(program)
  addWebhookCommands(program)
  return program
}

/**
 * Formats any other error at start. A database error is one line. An unforeseen error is a log line
 * with its stack, or one line without it on a terminal.
 */
function startFailure(error: unknown): string {
  if (isDatabaseError(error)) return scrub(`the database reports an error: ${databaseErrorReason(error)}`)
  if (process.stderr.isTTY) return scrub(`could not start: ${error instanceof Error ? error.message : error}`)
  let line = ''
  createLog('error', (text) => {
    line = text
  }).error({ err: error }, 'could not start')
  return line.trim()
}
