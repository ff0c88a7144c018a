/** Asks every route, by every verb, as tenant A with the ids of B: what comes back, who was asked, and what moved? */
import type { FastifyInstance } from 'fastify'
import { type RawBuilder, sql } from 'kysely'
import type { Access, Rule } from '../http/gate.ts'
import type { Call } from '../hubspot/client.ts'
import type { Database } from '../lib/db.ts'
import { newId } from '../lib/ids.ts'
import { grantLines } from '../tenants/isolation/expected.ts'
import { scopes } from '../tenants/principal.ts'
import { withTenant } from '../tenants/scope.ts'
import type { TenantId } from '../tenants/tenant.ts'
import { type Asked, type Document, type Ids, type Operation, requestFor } from './described.ts'
import { asOwner } from './owner.ts'
import { asTenant } from './stand-ins.ts'
import type { Tried } from './try-statements.ts'
import type { Inhabitant, World } from './world.ts'

export interface Stage {
  db: Database
  world: World
  server: FastifyInstance
  /** What HubSpot was asked so far. */
  calls: Call[]
}

interface Reply {
  status: number
  /** Headers and body. */
  text: string
  code: string | undefined
}

const verbs = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const withinMs = 10_000

async function ask({ server }: Stage, asked: Asked, as: TenantId | undefined): Promise<Reply> {
  const answer = await server.inject({
    method: asked.method as 'GET',
    url: asked.path,
    headers: { host: 'localhost', ...(as ? asTenant(as) : {}) },
    ...(asked.body === undefined ? {} : { payload: asked.body as object }),
    signal: AbortSignal.timeout(withinMs),
  })
  const { code } = (
    answer.headers['content-type']?.toString().includes('json') ? safeJson(answer.payload) : {}
  ) as {
    code?: string
  }
  const { date: _date, 'request-id': _id, ...headers } = answer.headers
  return { status: answer.statusCode, text: `${JSON.stringify(headers)}\n${answer.payload}`, code }
}

function safeJson(text: string): object {
  try {
    return JSON.parse(text) ?? {}
  } catch {
    return {}
  }
}

/** Without what was sent and what differs in every answer: two that a caller could tell apart are then different. */
const masked = ({ status, text }: Reply, sent: Ids): string => {
  let plain = `${status} ${text}`
  for (const [name, value] of Object.entries(sent)) plain = plain.replaceAll(value, `:${name}`)
  return plain.replaceAll(/"request_id":"[^"]*"/g, '').replaceAll(/"content-length":"\d+"/g, '')
}

/** B's rows as B sees them: one statement, since it is asked after every request. */
async function rowsOfOther({ db, world: { tables, b } }: Stage): Promise<string> {
  const readable = new Set(grantLines('spoke_app'))
  const digests = tables
    .filter(({ name, ofTenants }) => ofTenants && readable.has(`${name} SELECT`))
    .map(({ name }) => digestOf(name, sql`true`))
  const found = await withTenant(db, b.tenantId, ({ query }) =>
    query(sql<Digest>`${sql.join(digests, sql` union all `)}`),
  )
  return linesOf(found)
}

/** Every row that is not A's, as the owner sees it: what the other cannot see itself, and what came up beside both. */
async function rowsOfAllOthers({ db, world: { tables, forced, a } }: Stage): Promise<string> {
  const digests = tables.map(({ name, ofTenants }) =>
    digestOf(name, ofTenants ? sql`tenant_id <> ${a.tenantId}` : sql`false`),
  )
  return linesOf(
    await asOwner(db, forced, (query) => query(sql<Digest>`${sql.join(digests, sql` union all `)}`)),
  )
}

interface Digest {
  name: string
  digest: string | null
}

const digestOf = (table: string, which: RawBuilder<unknown>) => sql`
  select ${table}::text as name, md5(string_agg(t::text, ',' order by t::text)) as digest
  from ${sql.table(table)} t where ${which}`

const linesOf = (found: Digest[]): string => found.map(({ name, digest }) => `${name} ${digest}`).join('\n')

const changed = (before: string, after: string) => {
  const old = before.split('\n')
  return after
    .split('\n')
    .filter((line, at) => line !== old[at])
    .map((line) => line.split(' ', 1)[0])
    .join(', ')
}

/** Ids as B's are, and nobody's. */
const idsOfNobody = (ids: Ids): Ids => {
  const made: Record<string, string> = {}
  for (const name of Object.keys(ids)) made[name] = newId()
  return { ...made, state: `${made.tenant_id}:${made.integration_id}:${'0'.repeat(32)}` }
}

interface Try {
  what: string
  inPath: Ids
  elsewhere: Ids
  twin: { inPath: Ids; elsewhere: Ids }
  /** Whether the path leads to the other: then the answer is a refusal, whatever the route does. */
  barred: boolean
}

/** Every way to mix the ids of two tenants into one request. */
function triesFor({ a, b }: World, url: string): Try[] {
  const none = idsOfNobody(b.ids)
  const own = (ids: Ids): Ids => ({ ...ids, tenant_id: a.tenantId })
  const hasOthers = [...url.matchAll(/:(\w+)/g)].some(([, name]) => name !== 'tenant_id')
  const ofTenant = url.includes(':tenant_id')
  return [
    {
      what: "with the other's ids",
      inPath: b.ids,
      elsewhere: b.ids,
      twin: { inPath: none, elsewhere: none },
      barred: ofTenant || hasOthers,
    },
    ...(ofTenant
      ? [
          {
            what: "with its own tenant and the other's ids",
            inPath: own(b.ids),
            elsewhere: own(b.ids),
            twin: { inPath: own(none), elsewhere: own(none) },
            barred: hasOthers,
          },
          {
            what: "with the other's tenant and its own ids",
            inPath: { ...a.ids, tenant_id: b.tenantId },
            elsewhere: a.ids,
            twin: { inPath: { ...a.ids, tenant_id: none.tenant_id as string }, elsewhere: a.ids },
            barred: true,
          },
          {
            what: "with its own path and the other's ids in query and body",
            inPath: a.ids,
            elsewhere: b.ids,
            twin: { inPath: a.ids, elsewhere: none },
            barred: false,
          },
        ]
      : []),
  ]
}

/** @throws whatever keeps the rehearsal itself from running */
export async function tryRequests(stage: Stage): Promise<Tried> {
  const { server, world } = stage
  const tried: Tried = { count: 0, leaked: 0, faults: [] }
  const document = safeJson(
    (await server.inject({ method: 'GET', url: '/openapi.json' })).payload,
  ) as Document
  const urls = [...new Set(server.rules.map(({ url }) => url))]
  if (urls.length === 0) tried.faults.push('no route was rehearsed: the service has none')
  for (const who of [world.a, world.b]) await beginAuthorization(stage, who)
  const before = await rowsOfAllOthers(stage)
  for (const url of urls) {
    for (const method of verbs) {
      const rule = server.rules.find((one) => one.url === url && one.method === method)
      const operation = document.paths?.[url.replaceAll(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()]
      await tryOne(stage, tried, { url, method, rule, operation })
    }
  }
  const moved = changed(before, await rowsOfAllOthers(stage))
  if (moved) tried.faults.push(`as another tenant, a request changed rows that are not its own: ${moved}`)
  await reachOwn(stage, tried, document)
  return tried
}

interface Route {
  url: string
  method: string
  /** Absent: the path does not take this verb. */
  rule: Rule | undefined
  operation: Operation | undefined
}

async function tryOne(stage: Stage, tried: Tried, route: Route): Promise<void> {
  const { a, b } = stage.world
  const name = `${route.method} ${route.url}`
  const fault = (text: string) => tried.faults.push(`as another tenant, ${name} ${text}`)
  // Whoever holds a single-use state may end what it began, so a public route is asked with nobody's.
  const shown = route.rule?.access === 'public' ? { state: idsOfNobody(b.ids).state as string } : {}
  for (const one of triesFor(stage.world, route.url)) {
    const asked = requestFor(route, route.operation, one.inPath, { ...one.elsewhere, ...shown })
    const twin = requestFor(route, route.operation, one.twin.inPath, { ...one.twin.elsewhere, ...shown })
    if (!asked || !twin) {
      tried.faults.push(`${name} was not rehearsed: nothing is known by a name in its path`)
      return
    }
    const before = route.rule ? await rowsOfOther(stage) : ''
    const called = stage.calls.length
    tried.count += 1
    const reply = await ask(stage, asked, a.tenantId)
    const after = route.rule ? await rowsOfOther(stage) : ''
    const theirCalls = stage.calls.slice(called).filter(({ token }) => token?.reveal() === b.token).length
    const sent = { ...one.elsewhere, ...one.inPath, ...shown }
    if (holdsOf(b, reply, [asked.path, JSON.stringify(asked.body) ?? ''].join(' '))) {
      tried.leaked += 1
      fault(`${one.what} answers ${reply.status} with what is the other's`)
    }
    if (after !== before) fault(`${one.what} changed rows of the other: ${changed(before, after)}`)
    if (theirCalls > 0) fault(`${one.what} asked HubSpot with the other's token`)
    if (mustRefuse(route.rule, one) && reply.status < 400) fault(`${one.what} answers ${reply.status}`)
    if (asked.path === twin.path && JSON.stringify(asked.body) === JSON.stringify(twin.body)) continue
    tried.count += 1
    const nobodys = await ask(stage, twin, a.tenantId)
    if (masked(reply, sent) !== masked(nobodys, { ...one.twin.elsewhere, ...one.twin.inPath, ...shown }))
      fault(`${one.what} answers otherwise (${reply.status}) than with ids of nobody (${nobodys.status})`)
  }
  if (route.rule && route.rule.access !== 'public') await tryWithoutCredential(stage, tried, route)
}

const isScope = (access: Access) => (scopes as readonly Access[]).includes(access)

/** What leads to the other, or stands above tenants. */
const mustRefuse = (rule: Rule | undefined, { barred }: Try): boolean =>
  rule !== undefined && rule.access !== 'public' && (barred || !isScope(rule.access))

async function tryWithoutCredential(stage: Stage, tried: Tried, route: Route): Promise<void> {
  const { b } = stage.world
  const asked = requestFor(route, route.operation, b.ids, b.ids) as Asked
  tried.count += 1
  const { status } = await ask(stage, asked, undefined)
  if (status !== 401)
    tried.faults.push(`without a credential, ${route.method} ${route.url} answers ${status} and not 401`)
}

/** Whether the answer holds B's word or an id of B that was not sent. */
function holdsOf({ word, ids }: Inhabitant, { text }: Reply, sent: string): boolean {
  const hidden = [word, ...Object.values(ids).filter((id) => id.length >= 16)].filter(
    (one) => !sent.includes(one),
  )
  return hidden.some((one) => text.toLowerCase().includes(one.toLowerCase()))
}

/** Codes of an answer that was given before the handler had anything to do. */
const early =
  /^(validation_failed|invalid_json|invalid_id|unsupported_media_type|unauthenticated|insufficient_scope|method_not_allowed|not_found|\w+_not_found)$/

/** Were the requests above refused for the tenant, or would anybody's have failed? So A asks for its own, deleting last. */
async function reachOwn(stage: Stage, tried: Tried, document: Document): Promise<void> {
  const { server, world } = stage
  const order = (method: string) => (method === 'DELETE' ? 1 : 0)
  const ours = server.rules
    .filter(({ access, method }) => isScope(access) && method !== 'HEAD')
    .toSorted((one, other) => order(one.method) - order(other.method) || other.url.length - one.url.length)
  for (const rule of ours) {
    const operation = document.paths[rule.url.replaceAll(/:(\w+)/g, '{$1}')]?.[rule.method.toLowerCase()]
    const asked = requestFor(rule, operation, world.a.ids, world.a.ids)
    if (!asked) continue
    const called = stage.calls.length
    tried.count += 1
    const reply = await ask(stage, asked, world.a.tenantId)
    const name = `with its own ids, ${rule.method} ${rule.url}`
    if (early.test(reply.code ?? '') || reply.status === 500)
      tried.faults.push(`${name} was not reached, so nothing is known of it: ${reply.status} ${reply.code}`)
    if (holdsOf(world.b, reply, '')) {
      tried.leaked += 1
      tried.faults.push(`${name} answers with what is the other's`)
    }
    if (stage.calls.slice(called).some(({ token }) => token?.reveal() === world.b.token))
      tried.faults.push(`${name} asked HubSpot with the other's token`)
  }
}

/** A state that is good, so that using another's is refused for whose it is. */
async function beginAuthorization(stage: Stage, who: Inhabitant): Promise<void> {
  const path = `/api/hubspot/authorize/${who.tenantId}?integration_id=${who.ids.integration_id}`
  const answer = await stage.server.inject({
    method: 'GET',
    url: path,
    headers: { host: 'localhost', ...asTenant(who.tenantId) },
  })
  const { authorization_url: url = '' } = safeJson(answer.payload) as { authorization_url?: string }
  const state = URL.canParse(url) ? new URL(url).searchParams.get('state') : null
  if (state) who.ids.state = state
}
