/** All ways to mix the ids of two tenants in one request. Pure. */
import { randomInt } from 'node:crypto'
import { newId } from '../lib/ids.ts'
import type { Fixtures } from './fixtures.ts'
import type { Ids } from './openapi-requests.ts'

/** Unused ids in the form of B's. */
export const unusedIds = (ids: Ids): Ids => {
  const made: Record<string, string> = {}
  // HubSpot's ids are numbers.
  for (const [name, id] of Object.entries(ids))
    made[name] = /^\d+$/.test(id) ? String(randomInt(2 ** 40)) : newId()
  return { ...made, state: `${made.tenant_id}:${made.integration_id}:${'0'.repeat(32)}` }
}

export interface RequestAttempt {
  what: string
  inPath: Ids
  elsewhere: Ids
  control: { inPath: Ids; elsewhere: Ids }
  /** Whether the path leads to the other tenant: then any route must refuse. */
  mustBeRefused: boolean
}

export function requestAttempts({ a, b }: Fixtures, url: string): RequestAttempt[] {
  const none = unusedIds(b.ids)
  const own = (ids: Ids): Ids => ({ ...ids, tenant_id: a.tenantId })
  const hasOthers = [...url.matchAll(/:(\w+)/g)].some(([, name]) => name !== 'tenant_id')
  const ofTenant = url.includes(':tenant_id')
  return [
    {
      what: "with the other tenant's ids",
      inPath: b.ids,
      elsewhere: b.ids,
      control: { inPath: none, elsewhere: none },
      mustBeRefused: ofTenant || hasOthers,
    },
    ...(ofTenant
      ? [
          {
            what: "with its own tenant and the other tenant's ids",
            inPath: own(b.ids),
            elsewhere: own(b.ids),
            control: { inPath: own(none), elsewhere: own(none) },
            mustBeRefused: hasOthers,
          },
          {
            what: 'with the other tenant and its own ids',
            inPath: { ...a.ids, tenant_id: b.tenantId },
            elsewhere: a.ids,
            control: { inPath: { ...a.ids, tenant_id: none.tenant_id as string }, elsewhere: a.ids },
            mustBeRefused: true,
          },
          {
            what: "with its own path and the other tenant's ids in query and body",
            inPath: a.ids,
            elsewhere: b.ids,
            control: { inPath: a.ids, elsewhere: none },
            mustBeRefused: false,
          },
        ]
      : []),
  ]
}
