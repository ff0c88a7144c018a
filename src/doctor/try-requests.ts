/**
 * Sends a request to every route with every verb, as tenant A with ids of B, and checks the
 * response, the calls to HubSpot and the changed rows.
 */
import { isScope, type RouteAccess, type RouteRule } from '../http/gate.ts'
import { type IsolationAttempt, idsOfNobody, triesFor } from './attempts.ts'
import { type Document, type Operation, operationOf, requestFor, type SampleRequest } from './described.ts'
import { changed, rowsOfAllOthers, rowsOfOther } from './other-rows.ts'
import { reachOwn } from './own-requests.ts'
import { holdsOfOther, masked, parsed, type RehearsalContext, sendRequest } from './stage.ts'
import { asTenant } from './stand-ins.ts'
import type { Tried } from './try-statements.ts'
import type { Inhabitant } from './world.ts'

const verbs = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** @throws any error that stops the rehearsal itself */
export async function tryRequests(stage: RehearsalContext): Promise<Tried> {
  const { server, world } = stage
  const tried: Tried = { count: 0, leaked: 0, faults: [] }
  const add = (more: Tried) => {
    tried.count += more.count
    tried.leaked += more.leaked
    tried.faults.push(...more.faults)
  }
  const { payload } = await server.inject({
    method: 'GET',
    url: '/openapi.json',
    headers: { host: 'localhost' },
  })
  const document = parsed(payload) as Document
  const urls = [...new Set(server.rules.map(({ url }) => url))]
  if (urls.length === 0) tried.faults.push('no route was rehearsed: the service has none')
  for (const who of [world.a, world.b]) await beginAuthorization(stage, who)
  add(await reachOwn(stage, document, 'reads'))
  const before = await rowsOfAllOthers(stage)
  for (const url of urls) {
    for (const method of verbs) {
      const rule = server.rules.find((one) => one.url === url && one.method === method)
      await tryOne(stage, tried, { url, method, rule, operation: operationOf(document, { url, method }) })
    }
  }
  const moved = changed(before, await rowsOfAllOthers(stage))
  if (moved) tried.faults.push(`as another tenant, a request changed rows that are not its own: ${moved}`)
  add(await reachOwn(stage, document, 'rest'))
  return tried
}

interface Route {
  url: string
  method: string
  /** Absent: the path does not accept this method. */
  rule: RouteRule | undefined
  operation: Operation | undefined
}

async function tryOne(stage: RehearsalContext, tried: Tried, route: Route): Promise<void> {
  const { a, b } = stage.world
  const name = `${route.method} ${route.url}`
  const fault = (text: string) => tried.faults.push(`as another tenant, ${name} ${text}`)
  // A single-use state lets its bearer complete what it began, so public routes get an unused one.
  const shown = route.rule?.access === 'public' ? { state: idsOfNobody(b.ids).state as string } : {}
  // A may delete its own rows, but then nothing would be left for its own requests.
  const tries = triesFor(stage.world, route.url).filter(({ barred }) => barred || route.method !== 'DELETE')
  let before = route.rule ? await rowsOfOther(stage) : ''
  // A method the path does not accept is refused before any id is read, so one attempt is enough.
  for (const one of route.rule ? tries : tries.slice(0, 1)) {
    const asked = requestFor(route, route.operation, one.inPath, { ...one.elsewhere, ...shown })
    const twin = requestFor(route, route.operation, one.twin.inPath, { ...one.twin.elsewhere, ...shown })
    if (!asked || !twin) {
      tried.faults.push(`${name} was not rehearsed: a parameter in its path has no known value`)
      return
    }
    const called = stage.calls.length
    tried.count += 1
    const reply = await sendRequest(stage, asked, a.tenantId)
    const after = route.rule ? await rowsOfOther(stage) : ''
    const theirCalls = stage.calls.slice(called).filter(({ token }) => token?.reveal() === b.token).length
    const sent = { ...one.elsewhere, ...one.inPath, ...shown }
    if (holdsOfOther(stage, reply)) {
      tried.leaked += 1
      fault(`${one.what} got ${reply.status} with data of the other tenant`)
    }
    if (after !== before) fault(`${one.what} changed rows of the other tenant: ${changed(before, after)}`)
    before = after
    if (theirCalls > 0) fault(`${one.what} called HubSpot with the other tenant's token`)
    if (mustRefuse(route.rule, one) && reply.status < 400)
      fault(`${one.what} got ${reply.status}, not a refusal`)
    if (asked.path === twin.path && JSON.stringify(asked.body) === JSON.stringify(twin.body)) continue
    tried.count += 1
    const nobodys = await sendRequest(stage, twin, a.tenantId)
    if (masked(reply, sent) !== masked(nobodys, { ...one.twin.elsewhere, ...one.twin.inPath, ...shown }))
      fault(`${one.what} got another response (${reply.status}) than with unused ids (${nobodys.status})`)
  }
  if (route.rule && route.rule.access !== 'public') await tryWithoutCredential(stage, tried, route)
}

/** RouteAccess rules without a tenant: a session is the caller's own, whatever ids are sent along. */
const ofNobody: readonly RouteAccess[] = ['public', 'session']

/** Routes that lead to the other tenant, or are above tenants, must refuse. */
const mustRefuse = (rule: RouteRule | undefined, { barred }: IsolationAttempt): boolean =>
  rule !== undefined && !ofNobody.includes(rule.access) && (barred || !isScope(rule.access))

async function tryWithoutCredential(stage: RehearsalContext, tried: Tried, route: Route): Promise<void> {
  const { b } = stage.world
  const asked = requestFor(route, route.operation, b.ids, b.ids) as SampleRequest
  tried.count += 1
  const { status } = await sendRequest(stage, asked, undefined)
  if (status !== 401)
    tried.faults.push(`without a credential, ${route.method} ${route.url} got ${status}, not 401`)
}

/**
 * Creates a valid state, so that an attempt with another tenant's state is refused because of its
 * owner.
 */
async function beginAuthorization(stage: RehearsalContext, who: Inhabitant): Promise<void> {
  const path = `/api/hubspot/authorize/${who.tenantId}?integration_id=${who.ids.integration_id}`
  const answer = await stage.server.inject({
    method: 'GET',
    url: path,
    headers: { host: 'localhost', ...asTenant(who.tenantId) },
  })
  const { authorization_url: url = '' } = parsed(answer.payload) as { authorization_url?: string }
  const state = URL.canParse(url) ? new URL(url).searchParams.get('state') : null
  if (state) who.ids.state = state
}
