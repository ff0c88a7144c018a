/** `spoke tenants`: make one, list them. */
import type { Command } from 'commander'
import { newId } from '../lib/ids.ts'
import { ask, askAll } from './ask.ts'

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
}
