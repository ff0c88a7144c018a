/**
 * Fakes for a rehearsal: HubSpot that only records calls, and callers identified by name.
 */
import { scopes } from '../api/principal.ts'
import type { Authenticate } from '../auth/authenticate.ts'
import type { TenantId } from '../db/tenant-id.ts'
import type { HubSpot, HubSpotCall } from '../hubspot/client/client.ts'
import { HubSpotError } from '../hubspot/hubspot-error.ts'

/** Every call fails as if HubSpot were unavailable, and nothing leaves the machine. */
export function createFakeHubSpot(): HubSpot & { calls: HubSpotCall[] } {
  const calls: HubSpotCall[] = []
  return {
    calls,
    async call(call) {
      calls.push(call)
      throw new HubSpotError('unavailable', call.endpoint)
    },
    batchSizeFor: (_key, _endpoint, wanted) => wanted,
    async close() {},
  }
}

/**
 * The header names the tenant directly: a rehearsal creates no keys, and the header is valid
 * nowhere else.
 */
export const fakeCredential = (tenantId: TenantId) => ({ authorization: `Rehearsal ${tenantId}` })

/** Authenticates only these tenants, each with every scope. */
export const createFakeAuthenticate =
  (tenants: readonly TenantId[]): Authenticate =>
  async ({ headers }) => {
    const tenantId = tenants.find((one) => headers.authorization === fakeCredential(one).authorization)
    return tenantId && { principal: { kind: 'tenant', tenantId, scopes, by: 'rehearsal' } }
  }
