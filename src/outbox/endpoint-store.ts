/**
 * All SQL on tenants' endpoints, and on whether the product has one. Secrets are sealed with the
 * tenant's data key. Over 200 lines because all SQL on the `endpoints` table is here.
 */
import { sql } from 'kysely'
import type { z } from 'zod'
import type { RowOf } from '../api/wire.ts'
import { recordChange } from '../changes/store.ts'
import type { SystemScope, TenantScope } from '../db/scope.ts'
import type { KeyRing, TenantSealer } from '../lib/seal.ts'
import type { Secret } from '../lib/secret.ts'
import { tenantSealerOf } from '../tenants/store.ts'
import { whereEndpoint } from './delivery-store.ts'
import { type Endpoint, type Included, productEndpoint } from './endpoint.ts'
import type { endpoint } from './schema.ts'

const field = (endpointId: string) => ({ field: `endpoint ${endpointId}` })

/** How long the previous secret still signs beside the new one. */
const secretOverlap = sql`interval '24 hours'`

export interface NewEndpoint {
  endpointId: string
  url: string
  types: readonly string[] | undefined
  inOrder: boolean
  include: readonly Included[]
}

/** @returns false when there is no such tenant */
export async function insertEndpoint(
  scope: TenantScope,
  ring: KeyRing,
  { endpointId, url, types, inOrder, include }: NewEndpoint,
  secret: Secret,
): Promise<boolean> {
  const sealer = await tenantSealerOf(scope, ring)
  if (!sealer) return false
  await scope.query(sql`
    insert into endpoints (tenant_id, endpoint_id, url, types, in_order, include, secret)
    values (${scope.tenantId}, ${endpointId}, ${url}, ${types ? [...types] : null}::text[], ${inOrder},
      ${[...include]}::text[], ${await sealer.seal(secret, field(endpointId))})`)
  return true
}

/** Locks the tenant until the transaction ends, so that the count cannot change meanwhile. */
export async function countEndpoints(scope: TenantScope): Promise<number> {
  await scope.query(sql`select from tenants where tenant_id = ${scope.tenantId} for no key update`)
  const [row] = await scope.query(sql<{ count: number }>`
    select count(*)::int as count from endpoints where tenant_id = ${scope.tenantId}`)
  return row?.count ?? 0
}

/** As shown to callers: without a secret. */
type EndpointState = RowOf<
  z.infer<typeof endpoint>,
  'created_at' | 'failing_since' | 'disabled_at' | 'previous_secret_expires_at'
>

const shown = sql`endpoint_id, url, types, in_order, include, created_at, failing_since, disabled_at, disabled_reason,
  case when previous_secret_expires_at > clock_timestamp() then previous_secret_expires_at end as previous_secret_expires_at,
  (select count(*)::int from deliveries d
    where d.tenant_id = e.tenant_id and d.endpoint_id = e.endpoint_id and d.due_at < 'infinity') as waiting`

export async function listEndpoints(scope: TenantScope): Promise<EndpointState[]> {
  return await scope.query(sql<EndpointState>`
    select ${shown} from endpoints e where tenant_id = ${scope.tenantId} order by created_at, endpoint_id`)
}

export async function findEndpointState(
  scope: TenantScope,
  endpointId: string,
): Promise<EndpointState | undefined> {
  const [row] = await scope.query(sql<EndpointState>`
    select ${shown} from endpoints e where ${whereEndpoint(scope, endpointId)}`)
  return row
}

/** Whether the endpoint exists, and whether it is enabled. */
export async function findEndpointStatus(
  scope: TenantScope,
  endpointId: string,
): Promise<'live' | 'disabled' | undefined> {
  const [row] = await scope.query(sql<{ disabled: boolean }>`
    select disabled_at is not null as disabled from endpoints where ${whereEndpoint(scope, endpointId)}`)
  return row && (row.disabled ? 'disabled' : 'live')
}

/** @returns undefined when it is gone or disabled */
export async function openEndpoint(
  scope: TenantScope,
  ring: KeyRing,
  endpointId: string,
): Promise<Endpoint | undefined> {
  const [row] = await scope.query(sql<{
    url: string
    types: string[] | null
    in_order: boolean
    include: Included[]
    failing: boolean
    secret: string
    previous: string | null
  }>`
    select url, types, in_order, include, failing_since is not null as failing, secret,
      case when previous_secret_expires_at > clock_timestamp() then previous_secret end as previous
    from endpoints where ${whereEndpoint(scope, endpointId)} and disabled_at is null`)
  const sealer = row && (await tenantSealerOf(scope, ring))
  if (!sealer) return undefined
  const open = (sealed: string) => sealer.open(sealed, field(endpointId))
  return {
    endpointId,
    url: row.url,
    types: row.types ?? undefined,
    inOrder: row.in_order,
    include: row.include,
    failing: row.failing,
    secrets: [await open(row.secret), ...(row.previous === null ? [] : [await open(row.previous)])],
  }
}

/**
 * Changes the given fields. Enabling an endpoint clears its failures.
 *
 * @returns false when there is none
 */
export async function updateEndpoint(
  scope: TenantScope,
  endpointId: string,
  {
    url,
    types,
    inOrder,
    include,
    enabled,
  }: { url?: string; types?: string[] | null; inOrder?: boolean; include?: Included[]; enabled?: true },
): Promise<boolean> {
  const rows = await scope.query(sql`
    update endpoints set endpoint_id = endpoint_id
      ${url === undefined ? sql`` : sql`, url = ${url}`}
      ${types === undefined ? sql`` : sql`, types = ${types}::text[]`}
      ${inOrder === undefined ? sql`` : sql`, in_order = ${inOrder}`}
      ${include === undefined ? sql`` : sql`, include = ${include}::text[]`}
      ${enabled === undefined ? sql`` : sql`, disabled_at = null, disabled_reason = null, failing_since = null`}
    where ${whereEndpoint(scope, endpointId)} returning 1 as one`)
  return rows.length > 0
}

/**
 * The previous secret still signs for a day.
 *
 * @returns false when there is none
 */
export async function rotateEndpointSecret(
  scope: TenantScope,
  ring: KeyRing,
  endpointId: string,
  secret: Secret,
): Promise<boolean> {
  const sealer: TenantSealer | undefined = await tenantSealerOf(scope, ring)
  if (!sealer) return false
  const rows = await scope.query(sql`
    update endpoints set previous_secret = secret, previous_secret_expires_at = clock_timestamp() + ${secretOverlap},
      secret = ${await sealer.seal(secret, field(endpointId))}
    where ${whereEndpoint(scope, endpointId)} returning 1 as one`)
  return rows.length > 0
}

/**
 * Deletes some of the endpoint's rows, and finally the endpoint itself.
 *
 * @returns whether it is gone
 */
export async function deleteEndpointRows(
  scope: TenantScope,
  endpointId: string,
  atMost: number,
): Promise<boolean> {
  await scope.query(sql`
    update endpoints set disabled_at = coalesce(disabled_at, clock_timestamp()) where ${whereEndpoint(scope, endpointId)}`)
  for (const table of ['deliveries', 'attempts']) {
    const rows = await scope.query(sql`
      delete from ${sql.table(table)} where ${whereEndpoint(scope, endpointId)} and seq in (
        select seq from ${sql.table(table)} where ${whereEndpoint(scope, endpointId)} order by seq limit ${atMost})
      returning 1 as one`)
    if (rows.length >= atMost) return false
  }
  await scope.query(sql`delete from endpoints where ${whereEndpoint(scope, endpointId)}`)
  return true
}

/** An endpoint to which nothing was delivered for this long is disabled. */
const disableAfter = sql`interval '5 days'`

/**
 * Records a failed attempt.
 *
 * @returns whether the endpoint has failed for so long that it must be disabled
 */
export async function recordEndpointFailure(scope: TenantScope, endpointId: string): Promise<boolean> {
  const [row] = await scope.query(sql<{ over: boolean }>`
    update endpoints set failing_since = coalesce(failing_since, clock_timestamp())
    where ${whereEndpoint(scope, endpointId)}
    returning failing_since < clock_timestamp() - ${disableAfter} as over`)
  return row?.over ?? false
}

export async function recordEndpointSuccess(scope: TenantScope, endpointId: string): Promise<void> {
  await scope.query(sql`
    update endpoints set failing_since = null where ${whereEndpoint(scope, endpointId)} and failing_since is not null`)
}

/**
 * Disables the endpoint and records one `endpoint.disabled` change. The sender fails the waiting
 * deliveries when it finds them due.
 */
export async function disableEndpoint(scope: TenantScope, endpointId: string, why: string): Promise<boolean> {
  const rows = await scope.query(sql`
    update endpoints set disabled_at = clock_timestamp(), disabled_reason = ${why}
    where ${whereEndpoint(scope, endpointId)} and disabled_at is null returning 1 as one`)
  if (rows.length === 0) return false
  await recordChange(scope, 'endpoint.disabled', null, { endpoint_id: endpointId, reason: why })
  return true
}

/** Take this lock first when changing both the endpoint and its rows. */
export async function lockEndpoint(scope: TenantScope, endpointId: string): Promise<void> {
  await scope.query(sql`select from endpoints where ${whereEndpoint(scope, endpointId)} for no key update`)
}

/** Registers the product's endpoint, so that later changes are addressed to it, or removes it. */
export async function setProductEndpoint(
  { query }: SystemScope,
  types: readonly string[] | 'none' | undefined,
): Promise<void> {
  if (types === 'none') await query(sql`delete from product_endpoint`)
  else
    await query(sql`
      insert into product_endpoint (endpoint_id, types) values (${productEndpoint}, ${types ? [...types] : null}::text[])
      on conflict (endpoint_id) do update set types = excluded.types`)
}
