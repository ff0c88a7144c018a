/**
 * Sends a request to every route with every verb, as tenant A with ids of B, and checks the
 * response, the calls to HubSpot and the changed rows.
 */
import { isScope, type RouteAccess, type RouteRule } from '../http/gate.ts'
import { fakeCredential } from './fakes.ts'
import type { FixtureTenant } from './fixtures.ts'
import {
  type OpenApiDocument,
  type OpenApiOperation,
  openApiOperationOf,
  type SampleRequest,
  sampleRequestFor,
} from './openapi-requests.ts'
import { sendOwnRequests } from './own-requests.ts'
import {
  containsOthersData,
  maskIds,
  parseObject,
  type RehearsalContext,
  sendRehearsalRequest,
} from './rehearsal-request.ts'
import { type RequestAttempt, requestAttempts, unusedIds } from './request-attempts.ts'
import { changedTables, digestAllOtherRows, digestOthersRows } from './row-digests.ts'
import type { TrialResult } from './try-statements.ts'

const verbs = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** @throws any error that stops the rehearsal itself */
export async function tryRequests(context: RehearsalContext): Promise<TrialResult> {
  const { server, fixtures } = context
  const result: TrialResult = { count: 0, leaked: 0, faults: [] }
  const add = (more: TrialResult) => {
    result.count += more.count
    result.leaked += more.leaked
    result.faults.push(...more.faults)
  }
  const { payload } = await server.inject({
    method: 'GET',
    url: '/openapi.json',
    headers: { host: 'localhost' },
  })
  const document = parseObject(payload) as OpenApiDocument
  const urls = [...new Set(server.rules.map(({ url }) => url))]
  if (urls.length === 0) result.faults.push('no route was rehearsed: the service has none')
  for (const who of [fixtures.a, fixtures.b]) await beginAuthorization(context, who)
  add(await sendOwnRequests(context, document, 'reads'))
  const before = await digestAllOtherRows(context)
  for (const url of urls) {
    for (const method of verbs) {
      const rule = server.rules.find((one) => one.url === url && one.method === method)
      await tryRoute(context, result, {
        url,
        method,
        rule,
        operation: openApiOperationOf(document, { url, method }),
      })
    }
  }
  const moved = changedTables(before, await digestAllOtherRows(context))
  if (moved) result.faults.push(`as another tenant, a request changed rows that are not its own: ${moved}`)
  add(await sendOwnRequests(context, document, 'rest'))
  return result
}

interface Route {
  url: string
  method: string
  /** Absent: the path does not accept this method. */
  rule: RouteRule | undefined
  operation: OpenApiOperation | undefined
}

async function tryRoute(context: RehearsalContext, result: TrialResult, route: Route): Promise<void> {
  const { a, b } = context.fixtures
  const name = `${route.method} ${route.url}`
  const fault = (text: string) => result.faults.push(`as another tenant, ${name} ${text}`)
  // A single-use state lets its bearer complete what it began, so public routes get an unused one.
  const shown = route.rule?.access === 'public' ? { state: unusedIds(b.ids).state as string } : {}
  // A may delete its own rows, but then nothing would be left for its own requests.
  const attempts = requestAttempts(context.fixtures, route.url).filter(
    ({ mustBeRefused }) => mustBeRefused || route.method !== 'DELETE',
  )
  let before = route.rule ? await digestOthersRows(context) : ''
  // A method the path does not accept is refused before any id is read, so one attempt is enough.
  for (const one of route.rule ? attempts : attempts.slice(0, 1)) {
    const request = sampleRequestFor(route, route.operation, one.inPath, { ...one.elsewhere, ...shown })
    const twin = sampleRequestFor(route, route.operation, one.control.inPath, {
      ...one.control.elsewhere,
      ...shown,
    })
    if (!request || !twin) {
      result.faults.push(`${name} was not rehearsed: a parameter in its path has no known value`)
      return
    }
    const called = context.calls.length
    result.count += 1
    const reply = await sendRehearsalRequest(context, request, a.tenantId)
    const after = route.rule ? await digestOthersRows(context) : ''
    const theirCalls = context.calls.slice(called).filter(({ token }) => token?.reveal() === b.token).length
    if (containsOthersData(context, reply)) {
      result.leaked += 1
      fault(`${one.what} got ${reply.status} with data of the other tenant`)
    }
    if (after !== before)
      fault(`${one.what} changed rows of the other tenant: ${changedTables(before, after)}`)
    before = after
    if (theirCalls > 0) fault(`${one.what} called HubSpot with the other tenant's token`)
    if (mustRefuse(route.rule, one) && reply.status < 400)
      fault(`${one.what} got ${reply.status}, not a refusal`)
    if (request.path === twin.path && JSON.stringify(request.body) === JSON.stringify(twin.body)) continue
    result.count += 1
    const nobodys = await sendRehearsalRequest(context, twin, a.tenantId)
    if (
      maskIds(reply, [one.inPath, one.elsewhere, shown]) !==
      maskIds(nobodys, [one.control.inPath, one.control.elsewhere, shown])
    )
      fault(`${one.what} got another response (${reply.status}) than with unused ids (${nobodys.status})`)
  }
  if (route.rule && route.rule.access !== 'public') await tryWithoutCredential(context, result, route)
}

/** RouteAccess rules without a tenant: a session is the caller's own, whatever ids are sent along. */
const accessWithoutTenant: readonly RouteAccess[] = ['public', 'session']

/** Routes that lead to the other tenant, or are above tenants, must refuse. */
const mustRefuse = (rule: RouteRule | undefined, { mustBeRefused }: RequestAttempt): boolean =>
  rule !== undefined && !accessWithoutTenant.includes(rule.access) && (mustBeRefused || !isScope(rule.access))

async function tryWithoutCredential(
  context: RehearsalContext,
  result: TrialResult,
  route: Route,
): Promise<void> {
  const { b } = context.fixtures
  const request = sampleRequestFor(route, route.operation, b.ids, b.ids) as SampleRequest
  result.count += 1
  const { status } = await sendRehearsalRequest(context, request, undefined)
  if (status !== 401)
    result.faults.push(`without a credential, ${route.method} ${route.url} got ${status}, not 401`)
}

/**
 * Creates a valid state, so that an attempt with another tenant's state is refused because of its
 * owner.
 */
async function beginAuthorization(context: RehearsalContext, who: FixtureTenant): Promise<void> {
  const path = `/api/hubspot/authorize/${who.tenantId}?integration_id=${who.ids.integration_id}`
  const answer = await context.server.inject({
    method: 'GET',
    url: path,
    headers: { host: 'localhost', ...fakeCredential(who.tenantId) },
  })
  const { authorization_url: url = '' } = parseObject(answer.payload) as { authorization_url?: string }
  const state = URL.canParse(url) ? new URL(url).searchParams.get('state') : null
  if (state) who.ids.state = state
}
