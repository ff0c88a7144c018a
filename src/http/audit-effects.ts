/**
 * Writes an audit entry before and after each effect; without the first, nothing is done. Over 200
 * lines because the entry before, the entry after and what interrupts both belong together.
 */
import type { FastifyContextConfig, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { principalName } from '../api/principal.ts'
import type { AuditEvent, Chain } from '../audit/event.ts'
import { type AuditLog, recordAuditEvent, recordAuditResult } from '../audit/record.ts'
import { isDiskFull } from '../db/database-errors.ts'
import { parseTenantId, type TenantId } from '../db/tenant-id.ts'
import { AppError, diskFull } from '../lib/errors.ts'
import { scrub } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { callerAddress } from './limits/client-address.ts'
import { createRefusalLimits } from './refusals.ts'

/** Who made the request, and for which tenant. */
export interface AuditSubject {
  actor: string
  /** Absent: the event belongs to no tenant. */
  tenantId?: TenantId | undefined
}

/** What the audit log records of a request. */
interface Entry extends AuditSubject {
  action: string
  target: string | null
  /** The chain that contains the `requested` event; absent for a request refused before its handler. */
  requestedIn?: Chain
  /** The response is streamed, so its result is known only when it ends. */
  streams: boolean
  ended: boolean
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * The name of the action in the audit log; a function where a parameter changes the action.
     * false: not audited, and a comment next to it says why.
     */
    audited?: string | ((request: FastifyRequest) => string) | false
    /**
     * For a route without a tenant in its path, or without a credential. Undefined: the credential
     * decides; a caller without one is not recorded. Called before the handler, after the request
     * has passed its schema.
     */
    auditedFor?: (request: FastifyRequest) => Promise<AuditSubject | undefined>
  }
  interface FastifyRequest {
    audit: Entry | undefined
    /** The code of the error in the response. */
    refusedWith: string | undefined
  }
}

/**
 * How long a stop waits for pending writes, so that an unresponsive database cannot delay it
 * longer.
 */
const stopWithinMs = 2_000

const isUnsafe = (method: string) => !['GET', 'HEAD', 'OPTIONS'].includes(method)

/**
 * Call before adding any route. From then on the process does not start if an unsafe route does not
 * name its audit action, or if a HEAD request would have an effect.
 */
export function auditEffects(app: FastifyInstance, audit: AuditLog, metrics: Metrics): void {
  app.decorateRequest('audit', undefined)
  app.decorateRequest('refusedWith', undefined)
  app.addHook('onRoute', ({ method, url, config, exposeHeadRoute }) => {
    const { access, audited, auditedFor } = config ?? {}
    const methods = [method].flat()
    const route = `${methods.join(', ')} ${url}`
    if (methods.some(isUnsafe) && audited === undefined)
      throw new Error(`${route} does not name its audit action`)
    // Mail scanners and link previews send HEAD requests, which must not trigger the effect.
    if (audited && methods.includes('GET') && exposeHeadRoute !== false)
      throw new Error(`${route} has an effect, so it must set exposeHeadRoute to false`)
    if (audited && access === 'public' && !auditedFor)
      throw new Error(`${route} is audited and public, so it must set auditedFor`)
  })

  app.addHook('preHandler', async (request, reply) => {
    const entry = await entryOf(request)
    if (!entry) return
    const asked = eventOf(request, entry, 'requested', null)
    const requestedIn = await recordAuditEvent(audit, entry.tenantId, asked).catch((cause: unknown) => {
      metrics.auditFailures.inc({ phase: 'requested' })
      if (isDiskFull(cause)) throw diskFull(cause)
      throw new AppError('unavailable', 'The audit log cannot be written, so nothing was done', {
        cause,
        retryAfter: 5,
      })
    })
    request.audit = { ...entry, requestedIn }
    // A streamed response ends here. A caller that leaves before there is a response ends nothing.
    reply.raw.once('close', () => {
      if (request.audit?.streams || reply.sent) void end(request, streamed(reply))
    })
  })

  app.addHook('onSend', async (request, reply, payload) => {
    if (!request.audit) {
      const refused = refusedAtGate(request)
      if (refused && refusals.admit(refused)) request.audit = refused
    }
    const { audit: entry, refusedWith } = request
    if (!entry) return
    entry.streams = typeof payload === 'object' && payload !== null && !Buffer.isBuffer(payload)
    if (entry.streams && !reply.raw.closed) return
    await end(
      request,
      entry.streams ? streamed(reply) : [reply.statusCode, refusedWith].filter(Boolean).join(' '),
    )
  })

  // A caller that is refused over and over must not add rows without limit.
  const refusals = createRefusalLimits<Entry>()
  /**
   * @param signal passed at a stop: no further count is written after it aborts or after a failure
   */
  async function writeCounts(signal?: AbortSignal): Promise<void> {
    for (const { refused, count } of refusals.takeCounts()) {
      if (signal?.aborted) return
      const { actor, tenantId } = refused
      const counted = { actor, action: 'refused', target: null, address: null, request_id: null }
      try {
        await recordAuditEvent(audit, tenantId, { ...counted, phase: 'done', result: `${count} more` })
      } catch (err) {
        metrics.auditFailures.inc({ phase: 'done' })
        app.log.error(
          { err, action: 'refused', result: `${count} more` },
          'the audit log could not be written',
        )
        if (signal) return
      }
    }
  }
  const minutely = setInterval(() => track(writeCounts()), 60_000).unref()

  const ending = new Set<Promise<void>>()
  function track(work: Promise<void>): Promise<void> {
    ending.add(work)
    return work.finally(() => ending.delete(work))
  }
  app.addHook('onClose', async () => {
    clearInterval(minutely)
    const late = AbortSignal.timeout(stopWithinMs)
    const lateness = new Promise<void>((resolve) => late.addEventListener('abort', () => resolve()))
    await Promise.race([Promise.all([...ending, writeCounts(late)]), lateness])
  })

  /**
   * The effect has already happened, so a failed write is reported to the operator, not to the
   * caller.
   */
  async function end(request: FastifyRequest, result: string): Promise<void> {
    const { audit: entry } = request
    if (!entry || entry.ended) return
    entry.ended = true
    const done = eventOf(request, entry, 'done', result)
    const written = recordAuditResult(audit, entry.requestedIn, entry.tenantId, done).catch(
      (err: unknown) => {
        metrics.auditFailures.inc({ phase: 'done' })
        request.log.error({ err, action: entry.action, result }, 'the audit log could not be written')
      },
    )
    await track(written)
  }
}

const streamed = ({ statusCode, raw }: FastifyReply) =>
  raw.writableFinished ? String(statusCode) : `${statusCode} aborted`

type Audited = Exclude<FastifyContextConfig['audited'], undefined | false>
const actionOf = (audited: Audited, request: FastifyRequest) =>
  typeof audited === 'string' ? audited : audited(request)

/** @returns undefined for a request that is not audited, and for an unauthenticated caller */
async function entryOf(request: FastifyRequest): Promise<Entry | undefined> {
  const { audited, auditedFor } = request.routeOptions.config
  if (!audited) return undefined
  const { principal } = request
  const said = await auditedFor?.(request)
  const actor = said?.actor ?? (principal && principalName(principal))
  if (actor === undefined) return undefined
  const { tenant_id, ...ids } = (request.params ?? {}) as Record<string, string>
  const named = said?.tenantId ?? (tenant_id === undefined ? undefined : parseTenantId(tenant_id))
  const target = Object.entries(ids).map(([name, id]) => `${name.replace(/_id$/, '')}:${id}`)
  return {
    actor,
    action: actionOf(audited, request),
    // A tenant's credential writes to its own chain, whatever path it requests.
    tenantId: principal?.kind === 'tenant' ? principal.tenantId : named,
    target: target.join(' ') || null,
    streams: false,
    ended: false,
  }
}

/**
 * An authenticated caller that requested something it may not have. Malformed requests and
 * unauthenticated callers appear only in the log.
 */
function refusedAtGate(request: FastifyRequest): Entry | undefined {
  const { principal, refusedWith } = request
  const { audited } = request.routeOptions.config
  const refused = refusedWith === 'insufficient_scope' || refusedWith === 'integration_not_found'
  if (!audited || !refused || !principal) return undefined
  return {
    actor: principalName(principal),
    action: actionOf(audited, request),
    tenantId: principal.kind === 'tenant' ? principal.tenantId : undefined,
    // Not the requested id, which may be another tenant's.
    target: null,
    streams: false,
    ended: false,
  }
}

const eventOf = (
  request: FastifyRequest,
  { actor, action, target }: Entry,
  phase: AuditEvent['phase'],
  result: string | null,
): AuditEvent => ({
  actor,
  action,
  target,
  // The command line calls in process, so there is no peer.
  address: actor === 'cli' ? null : (callerAddress(request) ?? null),
  // The caller may choose it, so it may contain anything.
  request_id: scrub(request.id),
  phase,
  result,
})
