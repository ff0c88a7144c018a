/** `spoke api-keys`: create, list, rotate and revoke the keys of a tenant. */
import { type Command, Option } from 'commander'
import { printNotice } from './console.ts'
import { seconds } from './duration.ts'
import { requestAllPages, requestAsOperator } from './operator-request.ts'

interface Options {
  json?: boolean
}

const pathOf = (tenantId: string, keyId = '') =>
  `/api/tenants/${encodeURIComponent(tenantId)}/api-keys${keyId && `/${encodeURIComponent(keyId)}`}`

/** Prints only the key to standard output, so that it can be piped straight into a secret store. */
function printCreatedKey(made: Record<string, unknown>, json: boolean | undefined): void {
  if (json) {
    console.log(JSON.stringify(made))
    return
  }
  const until = made.expires_at ? `expires ${made.expires_at}` : 'never expires'
  printNotice(`key ${made.key_id} (${(made.scopes as string[]).join(', ')}), ${until}; shown only this once:`)
  console.log(made.api_key)
}

export function addApiKeyCommands(program: Command): void {
  const keys = program.command('api-keys').description('the API keys of a tenant')
  const json = () => new Option('--json', 'print the response as JSON')

  keys
    .command('create')
    .description('create a key and show it once')
    .argument('<tenant_id>')
    .requiredOption('--name <name>', 'who or what uses the key, for people to read')
    .option('--scopes <list>', 'read, sync, manage, separated by commas', 'read')
    .option('--expires-in <duration>', 'such as 90d; by default the key does not expire', seconds)
    .addOption(json())
    .action(
      async (
        tenantId: string,
        given: Options & { name: string; scopes: string; expiresIn?: number },
      ): Promise<void> => {
        const scopes = given.scopes.split(',').map((scope) => scope.trim())
        const made = await requestAsOperator('POST', pathOf(tenantId), {
          name: given.name,
          scopes,
          ...(given.expiresIn === undefined ? {} : { expires_in: given.expiresIn }),
        })
        printCreatedKey(made, given.json)
      },
    )

  keys
    .command('list')
    .description('list the keys of a tenant, without their secrets')
    .argument('<tenant_id>')
    .addOption(json())
    .action(async (tenantId: string, given: Options) => {
      const all = await requestAllPages(pathOf(tenantId), 'api_keys')
      if (given.json) return console.log(JSON.stringify({ api_keys: all }))
      for (const key of all) console.log(lineOf(key))
    })

  keys
    .command('rotate')
    .description('create a second key like this one; both are valid during the overlap')
    .argument('<tenant_id>')
    .argument('<key_id>')
    .option('--overlap <duration>', 'how long the old key remains valid', seconds, 86_400)
    .addOption(json())
    .action(async (tenantId: string, keyId: string, given: Options & { overlap: number }) => {
      printCreatedKey(
        await requestAsOperator('POST', `${pathOf(tenantId, keyId)}/rotate`, { overlap: given.overlap }),
        given.json,
      )
    })

  keys
    .command('revoke')
    .description('revoke a key; every process refuses it within a second')
    .argument('<tenant_id>')
    .argument('<key_id>')
    .addOption(json())
    .action(async (tenantId: string, keyId: string, given: Options) => {
      const ended = await requestAsOperator('DELETE', pathOf(tenantId, keyId))
      console.log(given.json ? JSON.stringify(ended) : `key ${ended.key_id} is revoked`)
    })
}

function lineOf(key: Record<string, unknown>): string {
  const now = new Date().toISOString()
  const over = typeof key.expires_at === 'string' && key.expires_at <= now
  const state = key.revoked_at ? `revoked ${key.revoked_at}` : over ? `expired ${key.expires_at}` : 'valid'
  const used = key.last_used_at ? `used ${key.last_used_at}` : 'never used'
  return [key.key_id, key.name, (key.scopes as string[]).join(','), state, used].join('\t')
}
