/**
 * A's requests with its own ids: they show that the attacks failed because of the ids, and not for
 * every caller.
 */
import { isScope } from '../http/gate.ts'
import { type OpenApiDocument, openApiOperationOf, sampleRequestFor } from './openapi-requests.ts'
import { containsOthersData, type RehearsalContext, sendRehearsalRequest } from './rehearsal-request.ts'
import type { TrialResult } from './try-statements.ts'

/** Error codes of responses sent before the handler did any work. */
const earlyErrors =
  /^(validation_failed|invalid_json|invalid_id|unsupported_media_type|unauthenticated|insufficient_scope|method_not_allowed|not_found|\w+_not_found)$/

/**
 * @param which reads before the attacks, while A does not know B's ids; the rest after them,
 * deletes last
 */
export async function sendOwnRequests(
  context: RehearsalContext,
  document: OpenApiDocument,
  which: 'reads' | 'rest',
): Promise<TrialResult> {
  const { server, fixtures } = context
  const result: TrialResult = { count: 0, leaked: 0, faults: [] }
  const order = (method: string) => (method === 'DELETE' ? 1 : 0)
  const ours = server.rules
    .filter(({ access, method }) => isScope(access) && method !== 'HEAD')
    .filter(({ method }) => (method === 'GET') === (which === 'reads'))
    .toSorted((one, other) => order(one.method) - order(other.method) || other.url.length - one.url.length)
  for (const rule of ours) {
    const request = sampleRequestFor(rule, openApiOperationOf(document, rule), fixtures.a.ids, fixtures.a.ids)
    if (!request) continue
    const called = context.calls.length
    result.count += 1
    const reply = await sendRehearsalRequest(context, request, fixtures.a.tenantId)
    const name = `with its own ids, ${rule.method} ${rule.url}`
    if (earlyErrors.test(reply.code ?? '') || reply.status === 500)
      result.faults.push(`${name} failed early, so the route was not checked: ${reply.status} ${reply.code}`)
    if (containsOthersData(context, reply)) {
      result.leaked += 1
      result.faults.push(`${name} returned data of the other tenant`)
    }
    if (context.calls.slice(called).some(({ token }) => token?.reveal() === fixtures.b.token))
      result.faults.push(`${name} called HubSpot with the other tenant's token`)
  }
  return result
}
