/** Makes a connect idempotent: it runs once for each Idempotency-Key. */
import type { FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { readIdempotencyKey } from '../api/idempotency.ts'
import { runIdempotentAcrossTransactions, type StoredResponse } from '../api/run-idempotent.ts'
import type { TenantScope } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import type { ConnectDependencies, Connected } from './connect.ts'
import { presentIntegration } from './present-integration.ts'
import { listResources } from './resource-store.ts'
import type { integration } from './schema.ts'

type ConnectBody = z.infer<typeof integration> & { success: true }

interface ConnectRouteDependencies extends ConnectDependencies {
  wake(): void
}

/**
 * Builds the response in the transaction that stores the connection, and saves it there.
 *
 * @param tenantId undefined when the request names no tenant: it is then refused, so idempotency is
 *   not needed
 * @param connect the connect; the callback it receives runs in its transaction
 */
export async function connectIdempotently(
  deps: ConnectRouteDependencies,
  tenantId: TenantId | undefined,
  request: FastifyRequest,
  statusOf: (connected: Connected) => 200 | 201,
  connect: (within: ConnectDependencies) => Promise<unknown>,
): Promise<{ status: 200 | 201; body: ConnectBody }> {
  const answer = await runIdempotentAcrossTransactions<ConnectBody>(
    deps.db,
    tenantId,
    readIdempotencyKey(request),
    async (save) => {
      const responses: StoredResponse<ConnectBody>[] = []
      await connect({
        ...deps,
        async onConnected(scope: TenantScope, connected: Connected) {
          await deps.onConnected(scope, connected)
          const shown = presentIntegration(scope.tenantId, connected.integration, await listResources(scope))
          const answer = { status: statusOf(connected), body: { success: true as const, ...shown } }
          await save(scope, answer)
          responses.push(answer)
        },
      })
      const [first] = responses
      if (!first) throw new Error('connecting ended without storing anything')
      deps.wake()
      return first
    },
  )
  return { status: answer.status === 201 ? 201 : 200, body: answer.body }
}
