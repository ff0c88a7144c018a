/** Makes a connect idempotent: it runs once for each Idempotency-Key. */
import type { FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { readIdempotency } from '../api/idempotency.ts'
import { type KeptAnswer, onceAcross } from '../api/once.ts'
import type { TenantScope } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import type { Connected, ConnectParts } from './connect.ts'
import { listParts } from './part-store.ts'
import { present } from './present-integration.ts'
import type { integrationAnswer } from './schema.ts'

type Body = z.infer<typeof integrationAnswer>

interface Parts extends ConnectParts {
  wake(tenantId: TenantId, integrationId: string): void
}

/**
 * Builds the response in the transaction that stores the connection, and saves it there.
 *
 * @param tenantId undefined when the request names no tenant: it is then refused, so idempotency is
 *   not needed
 * @param act the connect; the callback it receives runs in its transaction
 */
export async function connectOnce(
  parts: Parts,
  tenantId: TenantId | undefined,
  request: FastifyRequest,
  statusOf: (connected: Connected) => 200 | 201,
  act: (within: ConnectParts) => Promise<unknown>,
): Promise<{ status: 200 | 201; body: Body }> {
  const answer = await onceAcross<Body>(parts.db, tenantId, readIdempotency(request), async (keep) => {
    const answered: { answer: KeptAnswer<Body>; tenantId: TenantId }[] = []
    await act({
      ...parts,
      async onConnected(scope: TenantScope, connected: Connected) {
        await parts.onConnected(scope, connected)
        const shown = present(scope.tenantId, connected.integration, await listParts(scope))
        const answer = { status: statusOf(connected), body: { success: true as const, ...shown } }
        await keep(scope, answer)
        answered.push({ answer, tenantId: scope.tenantId })
      },
    })
    const [first] = answered
    if (!first) throw new Error('connecting ended without storing anything')
    parts.wake(first.tenantId, first.answer.body.integration_id)
    return first.answer
  })
  return { status: answer.status === 201 ? 201 : 200, body: answer.body }
}
