/** `spoke tenants`: make one, list them, erase one. */
import type { Command } from 'commander'
import { newId } from '../lib/ids.ts'
import { ask, askAll } from './ask.ts'
import { say } from './console.ts'

interface Options {
  json?: boolean
}

export function addTenantCommands(program: Command): void {
  const tenants = program.command('tenants').description('the tenants of this database')

  tenants
    .command('create')
    .description('make a tenant, unless it is there')
    .argument('[tenant_id]', 'a UUID of your choice; absent: a new one')
    .option('--json', 'print the answer as JSON')
    .action(async (tenantId: string | undefined, { json }: Options) => {
      const made = await ask('POST', '/api/tenants', { tenant_id: tenantId ?? newId() })
      console.log(json ? JSON.stringify(made) : made.tenant_id)
    })

  tenants
    .command('list')
    .description('all tenants, by id')
    .option('--json', 'print the answers as JSON')
    .action(async ({ json }: Options) => {
      const all = await askAll('/api/tenants', 'tenants')
      if (json) return console.log(JSON.stringify({ tenants: all }))
      for (const { tenant_id, created_at } of all) console.log(`${tenant_id}\tsince ${created_at}`)
    })

  tenants
    .command('erase')
    .description(
      'erase a tenant with all its data, for good; a worker does it, from now or from its next start on',
    )
    .argument('<tenant_id>')
    .option('--yes', 'needed, because nothing brings it back')
    .option('--json', 'print the answer as JSON')
    .action(async (tenantId: string, { yes, json }: Options & { yes?: boolean }) => {
      if (!yes) {
        say(`spoke: this erases tenant ${tenantId} with all its data, for good; say --yes`)
        process.exitCode = 1
        return
      }
      const begun = await ask('DELETE', `/api/tenants/${encodeURIComponent(tenantId)}`)
      console.log(json ? JSON.stringify(begun) : `tenant ${begun.tenant_id} is being erased`)
    })
}
