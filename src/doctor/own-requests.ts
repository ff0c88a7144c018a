/**
 * A's requests with its own ids: they show that the attacks failed because of the ids, and not for
 * every caller.
 */
import { isScope } from '../http/gate.ts'
import { type Document, operationOf, requestFor } from './described.ts'
import { holdsOfOther, type RehearsalContext, sendRequest } from './stage.ts'
import type { Tried } from './try-statements.ts'

/** Error codes of responses sent before the handler did any work. */
const early =
  /^(validation_failed|invalid_json|invalid_id|unsupported_media_type|unauthenticated|insufficient_scope|method_not_allowed|not_found|\w+_not_found)$/

/**
 * @param which reads before the attacks, while A does not know B's ids; the rest after them,
 * deletes last
 */
export async function reachOwn(
  stage: RehearsalContext,
  document: Document,
  which: 'reads' | 'rest',
): Promise<Tried> {
  const { server, world } = stage
  const tried: Tried = { count: 0, leaked: 0, faults: [] }
  const order = (method: string) => (method === 'DELETE' ? 1 : 0)
  const ours = server.rules
    .filter(({ access, method }) => isScope(access) && method !== 'HEAD')
    .filter(({ method }) => (method === 'GET') === (which === 'reads'))
    .toSorted((one, other) => order(one.method) - order(other.method) || other.url.length - one.url.length)
  for (const rule of ours) {
    const asked = requestFor(rule, operationOf(document, rule), world.a.ids, world.a.ids)
    if (!asked) continue
    const called = stage.calls.length
    tried.count += 1
    const reply = await sendRequest(stage, asked, world.a.tenantId)
    const name = `with its own ids, ${rule.method} ${rule.url}`
    if (early.test(reply.code ?? '') || reply.status === 500)
      tried.faults.push(`${name} failed early, so the route was not checked: ${reply.status} ${reply.code}`)
    if (holdsOfOther(stage, reply)) {
      tried.leaked += 1
      tried.faults.push(`${name} returned data of the other tenant`)
    }
    if (stage.calls.slice(called).some(({ token }) => token?.reveal() === world.b.token))
      tried.faults.push(`${name} called HubSpot with the other tenant's token`)
  }
  return tried
}
