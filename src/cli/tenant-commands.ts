/** `spoke tenants`: create, list and erase tenants. */
import type { Command } from 'commander'
import { newId } from '../lib/ids.ts'
import { printNotice } from './console.ts'
import { requestAllPages, requestAsOperator } from './operator-request.ts'

interface Options {
  json?: boolean
}

export function addTenantCommands(program: Command): void {
  const tenants = program.command('tenants').description('the tenants of this database')

  tenants
    .command('create')
    .description('create a tenant, unless it exists')
    .argument('[tenant_id]', 'a UUID of your choice; by default a new one')
    .option('--json', 'print the response as JSON')
    .action(async (tenantId: string | undefined, { json }: Options) => {
      const made = await requestAsOperator('POST', '/api/tenants', { tenant_id: tenantId ?? newId() })
      console.log(json ? JSON.stringify(made) : made.tenant_id)
    })

  tenants
    .command('list')
    .description('all tenants, by id')
    .option('--json', 'print the tenants as JSON')
    .action(async ({ json }: Options) => {
      const all = await requestAllPages('/api/tenants', 'tenants')
      if (json) return console.log(JSON.stringify({ tenants: all }))
      for (const { tenant_id, created_at } of all) console.log(`${tenant_id}\tcreated ${created_at}`)
    })

  tenants
    .command('erase')
    .description(
      'permanently erase a tenant with all its data; a worker does it, now or after its next start',
    )
    .argument('<tenant_id>')
    .option('--yes', 'required, because this cannot be undone')
    .option('--json', 'print the response as JSON')
    .action(async (tenantId: string, { yes, json }: Options & { yes?: boolean }) => {
      if (!yes) {
        printNotice(
          `spoke: this permanently erases tenant ${tenantId} with all its data; add --yes to confirm`,
        )
        process.exitCode = 1
        return
      }
      const begun = await requestAsOperator('DELETE', `/api/tenants/${encodeURIComponent(tenantId)}`)
      console.log(json ? JSON.stringify(begun) : `tenant ${begun.tenant_id} is being erased`)
    })
}
