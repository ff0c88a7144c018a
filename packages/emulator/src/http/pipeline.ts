// The way of one HubSpot request: find the route, act out faults, check token, limits and scopes, answer, log.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { accountInfoRoutes } from '../account-info.ts'
import { runAs } from '../crm/change-events.ts'
import { crmRoutes } from '../crm/routes.ts'
import { journalReadRoutes } from '../journal/read-routes.ts'
import { journalSubscriptionRoutes } from '../journal/subscription-routes.ts'
import { oauthRoutes } from '../oauth/routes.ts'
import type { Portal } from '../portals.ts'
import { correlationId } from '../random.ts'
import type { Access, Grant } from '../token-types.ts'
import { webhookRoutes } from '../webhooks/routes.ts'
import type { World } from '../world.ts'
import { bearer, type Call } from './call.ts'
import { deliver } from './deliver.ts'
import { SPOILS } from './faults.ts'
import {
  credentialsNotFound,
  edgePage,
  missingScopes,
  noSuchPath,
  problem,
  Refusal,
  type Reply,
  tokenExpired,
} from './reply.ts'
import { createRouter, type Match } from './router.ts'
import { pause, readBody, render, send } from './wire.ts'

const route = createRouter([
  ...crmRoutes,
  ...oauthRoutes,
  ...accountInfoRoutes,
  ...webhookRoutes,
  ...journalSubscriptionRoutes,
  ...journalReadRoutes,
])

export async function serveHubSpot(world: World, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const started = world.log.begin()
  const rawUrl = req.url ?? '/'
  const mark = rawUrl.indexOf('?')
  const path = mark < 0 ? rawUrl : rawUrl.slice(0, mark)
  const query = new URLSearchParams(mark < 0 ? '' : rawUrl.slice(mark + 1))
  const method = req.method ?? 'GET'
  const match = route(method, path)
  const token = bearer(req.headers) ?? ''
  const access = world.tokens.access.get(token) ?? null
  const ofApp = access ? null : world.tokens.ofApps.get(token)
  const log = {
    status: 0,
    bytes: 0,
    fault: null as string | null,
    portal_id: access?.portal_id ?? null,
    grant: null as Grant | null,
  }

  try {
    const body = await readBody(req)
    const call: Call = {
      world,
      method,
      path,
      params: match.kind === 'found' ? match.params : {},
      query,
      urlLength: rawUrl.length,
      headers: req.headers,
      body,
      correlationId: correlationId(world.clock.now()),
    }
    log.grant = refreshedGrant(call)
    if (path.startsWith('/oauth/') && log.portal_id === null)
      log.portal_id = log.grant?.portal_id ?? portalOfForm(call)
    if (log.grant) world.log.refreshBegins(log.grant.id, log.grant.app.app_id, log.grant.portal_id)

    const faults = world.faults.take({
      method,
      path,
      query: mark < 0 ? '' : rawUrl.slice(mark + 1),
      portal_id: log.portal_id,
      body,
    })
    log.fault = faults.map((one) => one.kind).join(',') || null
    for (const fault of faults)
      if (fault.kind === 'delay') await pause(res, fault.delay_ms ?? (fault.per_record_ms ? 0 : 1000))
    const fault = faults.find((one) => one.kind !== 'delay') ?? null
    const works = fault === null || fault.phase === 'after' || SPOILS.includes(fault.kind)
    const reply = works ? answer(call, match, access) : null
    for (const { kind, per_record_ms } of faults)
      if (kind === 'delay' && per_record_ms) await pause(res, per_record_ms * recordsIn(reply))
    await deliver(call, res, fault, reply, log)
  } catch (error) {
    if (!res.headersSent && !res.destroyed) {
      const reply =
        error instanceof Refusal
          ? error.reply
          : problem(500, 'internal error', { category: 'INTERNAL_ERROR' })
      if (!(error instanceof Refusal)) process.stderr.write(`emulator: ${(error as Error).stack}\n`)
      const bytes = render(world, reply, correlationId(world.clock.now()), req.headers)
      Object.assign(log, { status: reply.status, bytes: bytes.body.length })
      send(res, bytes)
    }
  } finally {
    if (log.grant) world.log.refreshEnds(log.grant.id, log.status === 200)
    world.log.end(started, {
      method,
      url: rawUrl,
      endpoint: match.kind === 'none' ? null : match.name,
      portal_id: log.portal_id,
      token_kind: access?.kind ?? (ofApp ? 'client_credentials' : null),
      app_id: access?.app_id ?? ofApp?.app.app_id ?? log.grant?.app.app_id ?? null,
      status: log.status,
      bytes: log.bytes,
      fault: log.fault,
    })
  }
}

function recordsIn(reply: Reply | null): number {
  const { results } = (reply?.json ?? {}) as { results?: unknown }
  return Array.isArray(results) ? results.length : 0
}

function answer(call: Call, match: Match, access: Access | null): Reply {
  try {
    return judge(call, match, access)
  } catch (error) {
    if (error instanceof Refusal) return error.reply
    throw error
  }
}

function judge(call: Call, match: Match, access: Access | null): Reply {
  const { world } = call
  // The edge refuses longer request lines: others met that at about 16.2 thousand characters, or behind proxies at 8.
  if (call.urlLength > world.quirks.url_limit) return edgePage(414, 'Request-URI Too Large')
  if (match.kind === 'none') return noSuchPath()
  if (match.kind === 'method') {
    return { ...problem(405, 'HTTP 405 Method Not Allowed'), headers: { allow: match.allowed.join(', ') } }
  }
  const found = match.route
  if (found.auth === 'none') return found.handle(call)

  // The edge finds the data centre by the token; one that names none leads nowhere.
  const hublet = /^pat-([^-]*)-/.exec(bearer(call.headers) ?? '')?.[1]
  if (
    !access &&
    hublet !== undefined &&
    !/^(na|eu|ap|ca)\d{1,2}$/.test(hublet) &&
    world.quirks.unknown_hublet === 530
  )
    return edgePage(530, 'Origin DNS error')
  const portal = access ? world.portals.get(access.portal_id) : undefined
  if (!access || access.refused || !portal || portal.deleted) return credentialsNotFound()
  const now = world.clock.now()
  if (access.expires_at !== null && access.expires_at <= now) return tokenExpired(access.expires_at, now)
  const verdict = world.rates.check(access, portal, found.bucket)
  if (verdict.refusal) return withHeaders(verdict.refusal, verdict.headers)
  const scopes = found.scopes(call)
  const held = world.tokens.effectiveScopes(access, portal)
  if (scopes.length > 0 && !scopes.some((one) => held.includes(one))) {
    return withHeaders(missingScopes(scopes, world.quirks.missing_scopes), verdict.headers)
  }
  return withHeaders(
    handled(() =>
      runAs(world.emitter, { changeSource: 'INTEGRATION', sourceId: String(access.app_id) }, () =>
        found.handle({ ...call, access, portal: portal as Portal }),
      ),
    ),
    verdict.headers,
  )
}

function handled(handle: () => Reply): Reply {
  try {
    return handle()
  } catch (error) {
    if (error instanceof Refusal) return error.reply
    throw error
  }
}

function withHeaders(reply: Reply, headers: Record<string, string>): Reply {
  return { ...reply, headers: { ...headers, ...reply.headers } }
}

// The line of refresh tokens that a refresh request belongs to, for the counts.
function refreshedGrant(call: Call): Grant | null {
  if (call.method !== 'POST' || !/^\/oauth\/[^/]+\/token$/.test(call.path)) return null
  const form = new URLSearchParams(call.body.toString('utf8'))
  if (form.get('grant_type') !== 'refresh_token') return null
  return call.world.tokens.refresh.get(form.get('refresh_token') ?? '')?.grant ?? null
}

function portalOfForm(call: Call): number | null {
  const { tokens } = call.world
  const text = call.body.toString('utf8')
  const form = new URLSearchParams(text)
  const token =
    form.get('token') ?? form.get('refresh_token') ?? /"tokenKey"\s*:\s*"([^"]+)"/.exec(text)?.[1] ?? ''
  const code = tokens.codes.get(form.get('code') ?? '')
  return (
    code?.portal_id ??
    tokens.access.get(token)?.portal_id ??
    tokens.refresh.get(token)?.grant.portal_id ??
    null
  )
}
