/** The world outside, for a rehearsal: a HubSpot that only writes down who asked, a queue that wakes nobody, callers by name. */
import { scopes } from '../api/principal.ts'
import type { Authenticate } from '../auth/authenticate.ts'
import type { TenantId } from '../db/tenant-id.ts'
import type { Call, HubSpot } from '../hubspot/client/client.ts'
import { HubSpotError } from '../hubspot/hubspot-error.ts'
import type { Queues } from '../worker/queues.ts'

/** Every call ends as if HubSpot were away, and nothing leaves the machine. */
export function noHubSpot(): HubSpot & { calls: Call[] } {
  const calls: Call[] = []
  return {
    calls,
    async call(call) {
      calls.push(call)
      throw new HubSpotError('unavailable', call.endpoint)
    },
    fit: (_key, _endpoint, wanted) => wanted,
    async close() {},
  }
}

export const noQueues: Queues = {
  install: async () => {},
  start: async () => {},
  wake: async () => {},
  forget: async () => {},
  depth: async () => [],
  stop: async () => {},
}

/** The header names the tenant outright: no key is made for a rehearsal, and none would be good elsewhere. */
export const asTenant = (tenantId: TenantId) => ({ authorization: `Rehearsal ${tenantId}` })

/** Knows these tenants by name, each with every scope, and nobody else. */
export const believe =
  (tenants: readonly TenantId[]): Authenticate =>
  async ({ headers }) => {
    const tenantId = tenants.find((one) => headers.authorization === asTenant(one).authorization)
    return tenantId && { principal: { kind: 'tenant', tenantId, scopes, by: 'rehearsal' } }
  }
