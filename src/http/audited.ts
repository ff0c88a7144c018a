/** What has an effect is written down before it happens and after it: no effect without it, and no route that does not say. */
import type { FastifyContextConfig, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { nameOf } from '../api/principal.ts'
import type { AuditEvent, Chain } from '../audit/event.ts'
import { type Audit, record, recordDone } from '../audit/record.ts'
import { isDiskFull } from '../db/database-errors.ts'
import { parseTenantId, type TenantId } from '../db/tenant-id.ts'
import { AppError, diskFull } from '../lib/errors.ts'
import { scrub } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { callerOf } from './limits/client-address.ts'
import { createRefusals } from './refusals.ts'

/** Who asked, and whose it is. */
export interface AuditedFor {
  actor: string
  /** Absent: it stands above tenants. */
  tenantId?: TenantId | undefined
}

/** What a request is written down as. */
interface Entry extends AuditedFor {
  action: string
  target: string | null
  /** The chain that `asked` stands in; absent for what was refused before its handler. */
  askedIn?: Chain
  /** The answer is sent piece by piece: how it ends is known at its end. */
  streams: boolean
  ended: boolean
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * What the audit log calls the route; a function where a parameter makes another deed of it. false: not audited, and a
     * comment beside it says why.
     */
    audited?: string | ((request: FastifyRequest) => string) | false
    /**
     * For a route without a tenant in its path, or without a credential. Undefined: the credential decides, and without one it
     * is a stranger, of whom nothing is written. Asked once the request fits its schema, before its handler.
     */
    auditedFor?: (request: FastifyRequest) => Promise<AuditedFor | undefined>
  }
  interface FastifyRequest {
    audit: Entry | undefined
    /** The code of the error that it was answered with. */
    refusedWith: string | undefined
  }
}

/** So long a stop waits for what is still to be written; a database that is silent would hold it longer. */
const stopWithinMs = 2_000

const isUnsafe = (method: string) => !['GET', 'HEAD', 'OPTIONS'].includes(method)

/**
 * Before any route: from then on an unsafe one that does not say what the audit log calls it stops the start, and so does a HEAD
 * that would have an effect.
 */
export function auditEffects(app: FastifyInstance, audit: Audit, metrics: Metrics): void {
  app.decorateRequest('audit', undefined)
  app.decorateRequest('refusedWith', undefined)
  app.addHook('onRoute', ({ method, url, config, exposeHeadRoute }) => {
    const { access, audited, auditedFor } = config ?? {}
    const methods = [method].flat()
    const route = `${methods.join(', ')} ${url}`
    if (methods.some(isUnsafe) && audited === undefined)
      throw new Error(`${route} does not say what the audit log calls it`)
    // Whoever looks ahead (a mail scanner, a preview) asks by HEAD, and must not have done it.
    if (audited && methods.includes('GET') && exposeHeadRoute !== false)
      throw new Error(`${route} has an effect, so it must set exposeHeadRoute to false`)
    if (audited && access === 'public' && !auditedFor)
      throw new Error(`${route} is audited and open to everybody, and does not say for whom`)
  })

  app.addHook('preHandler', async (request, reply) => {
    const entry = await entryOf(request)
    if (!entry) return
    const asked = eventOf(request, entry, 'asked', null)
    const askedIn = await record(audit, entry.tenantId, asked).catch((cause: unknown) => {
      metrics.auditFailures.inc({ phase: 'asked' })
      if (isDiskFull(cause)) throw diskFull(cause)
      throw new AppError('unavailable', 'The audit log cannot be written, so nothing was done', {
        cause,
        retryAfter: 5,
      })
    })
    request.audit = { ...entry, askedIn }
    // Where an answer that is streamed ends. A caller who leaves before there is one ends nothing.
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

  // Whoever is refused without end writes no rows without end.
  const refusals = createRefusals<Entry>()
  /** @param signal of a stop: ends it between two, and after a failure the rest is not tried. */
  async function writeCounts(signal?: AbortSignal): Promise<void> {
    for (const { refused, count } of refusals.takeCounts()) {
      if (signal?.aborted) return
      const { actor, tenantId } = refused
      const counted = { actor, action: 'refused', target: null, address: null, requestId: null }
      try {
        await record(audit, tenantId, { ...counted, phase: 'done', result: `${count} more` })
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

  /** What has happened has happened: an event that cannot be written then is told to the operator, not to the caller. */
  async function end(request: FastifyRequest, result: string): Promise<void> {
    const { audit: entry } = request
    if (!entry || entry.ended) return
    entry.ended = true
    const done = eventOf(request, entry, 'done', result)
    const written = recordDone(audit, entry.askedIn, entry.tenantId, done).catch((err: unknown) => {
      metrics.auditFailures.inc({ phase: 'done' })
      request.log.error({ err, action: entry.action, result }, 'the audit log could not be written')
    })
    await track(written)
  }
}

const streamed = ({ statusCode, raw }: FastifyReply) =>
  raw.writableFinished ? String(statusCode) : `${statusCode} broken off`

type Audited = Exclude<FastifyContextConfig['audited'], undefined | false>
const actionOf = (audited: Audited, request: FastifyRequest) =>
  typeof audited === 'string' ? audited : audited(request)

/** @returns undefined for what is not audited, and for strangers */
async function entryOf(request: FastifyRequest): Promise<Entry | undefined> {
  const { audited, auditedFor } = request.routeOptions.config
  if (!audited) return undefined
  const { principal } = request
  const said = await auditedFor?.(request)
  const actor = said?.actor ?? (principal && nameOf(principal))
  if (actor === undefined) return undefined
  const { tenant_id, ...ids } = (request.params ?? {}) as Record<string, string>
  const named = said?.tenantId ?? (tenant_id === undefined ? undefined : parseTenantId(tenant_id))
  const target = Object.entries(ids).map(([name, id]) => `${name.replace(/_id$/, '')}:${id}`)
  return {
    actor,
    action: actionOf(audited, request),
    // A tenant's credential writes into its own chain, whatever it asks for.
    tenantId: principal?.kind === 'tenant' ? principal.tenantId : named,
    target: target.join(' ') || null,
    streams: false,
    ended: false,
  }
}

/** Somebody known who asked for what is not theirs. What is malformed, or from a stranger, stands in the log alone. */
function refusedAtGate(request: FastifyRequest): Entry | undefined {
  const { principal, refusedWith } = request
  const { audited } = request.routeOptions.config
  const refused = refusedWith === 'insufficient_scope' || refusedWith === 'integration_not_found'
  if (!audited || !refused || !principal) return undefined
  return {
    actor: nameOf(principal),
    action: actionOf(audited, request),
    tenantId: principal.kind === 'tenant' ? principal.tenantId : undefined,
    // Not what it asked for: that may be another tenant's.
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
  // The command line asks from inside: no peer is there.
  address: actor === 'cli' ? null : (callerOf(request) ?? null),
  // A caller may choose it, and may choose badly.
  requestId: scrub(request.id),
  phase,
  result,
})
