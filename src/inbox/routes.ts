/** Receives HubSpot's webhooks: authenticates, stores and responds before reading from HubSpot. */
import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { pipeline, Transform } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { noQuery } from '../api/wire.ts'
import type { Database } from '../db/database.ts'
import { type SignatureFault, signatureFault, signatureHeaderFault } from '../hubspot/events/signature.ts'
import { type InboundDelivery, readDelivery } from '../hubspot/events/webhook-event.ts'
import type { Clock } from '../lib/clock.ts'
import { AppError } from '../lib/errors.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { Secret } from '../lib/secret.ts'
import { createInboxBatchWriter, type InboxBatchWriter } from './batch-writer.ts'

export interface WebhookRouteDependencies {
  db: Database
  /** Our app. Absent: no webhook can be authenticated. */
  app: { appId: number; clientSecrets: readonly Secret[] } | undefined
  /**
   * The base URL at which HubSpot reaches us. It is part of what HubSpot signs, so the Host header
   * is ignored.
   */
  publicUrl: string
  windowMs: number
  clock: Clock
  metrics: Metrics
}

/** Enough for a hundred events whose values have HubSpot's maximum length. */
const bodyLimit = 8 * 2 ** 20
/** Most deliveries are no longer. Every accepted request may use this much memory in any case. */
const usualBodyBytes = 64 * 1024
/**
 * Longer bodies share this much memory, from their arrival until the response. They are not
 * authenticated yet, so only received bytes count: a false Content-Length takes no memory away from
 * HubSpot, which retries refused deliveries.
 */
const longBodiesBytes = 64 * 2 ** 20

/**
 * @param instance an encapsulated part of the server, because it takes bodies as the raw bytes that
 *   were signed
 */
export function webhookRoutes(instance: FastifyInstance, deps: WebhookRouteDependencies): void {
  instance.removeAllContentTypeParsers()
  instance.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  const bodyBudget = createBodyBudget()
  const write = createInboxBatchWriter(deps.db, deps.windowMs)

  instance.withTypeProvider<ZodTypeProvider>().post(
    '/api/hubspot/webhooks',
    {
      // Not audited: HubSpot is the actor, the only effect is that tickets are read again, and the
      // inbox records it.
      config: { access: 'signed', audited: false, errors: ['invalid_signature', 'webhooks_not_configured'] },
      bodyLimit,
      onRequest: async (request) => refuseBeforeBody(deps, request),
      preParsing: async (_request, { raw }, payload) => pipeline(payload, bodyBudget.meter(raw), () => {}),
      schema: {
        tags: ['webhooks'],
        operationId: 'webhooks.receive',
        summary: 'Receive webhooks from HubSpot',
        description:
          'Called by HubSpot: up to 100 events as a JSON array, signed (X-HubSpot-Signature-v3) with the app’s client secret.',
        querystring: noQuery,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      await receiveDelivery(deps, write, request)
      return reply.code(204).send(null)
    },
  )
}

interface RequestHeaders {
  headers: NodeJS.Dict<string | string[]>
}

interface ReceivedRequest extends RequestHeaders {
  method: string
  url: string
  body: unknown
}

/**
 * Refuses a request that cannot be a delivery from HubSpot, before its body is read.
 *
 * @throws AppError webhooks_not_configured | invalid_signature | unsupported_media_type |
 *   body_too_large
 */
function refuseBeforeBody({ app, clock, metrics }: WebhookRouteDependencies, request: RequestHeaders): void {
  if (!app) throw notConfigured()
  const fault = signatureHeaderFault(signatureHeadersOf(request), clock.now())
  if (fault) throw invalidSignature(metrics, fault)
  if (!/^application\/json\s*(;|$)/i.test(headerOf(request, 'content-type') ?? ''))
    throw new AppError('unsupported_media_type', 'The body must be application/json')
  if (Number(headerOf(request, 'content-length') ?? 0) > bodyLimit)
    throw new AppError('body_too_large', 'The body is too large')
}

/**
 * @throws AppError webhooks_not_configured | invalid_signature | invalid_json | validation_failed
 */
async function receiveDelivery(
  { app, publicUrl, clock, metrics }: WebhookRouteDependencies,
  write: InboxBatchWriter,
  request: ReceivedRequest,
): Promise<void> {
  if (!app) throw notConfigured()
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  const { signature, timestamp } = signatureHeadersOf(request)
  const signed = { method: request.method, url: publicUrl + request.url, body, signature, timestamp }
  const fault = signatureFault(signed, app.clientSecrets, clock.now())
  if (fault) throw invalidSignature(metrics, fault)
  const delivery = readDelivery(parse(body), app.appId, clock.now())
  if (!delivery) {
    metrics.webhookDeliveries.inc({ outcome: 'invalid' })
    throw new AppError('validation_failed', 'The body is not an array of events', {
      details: [{ pointer: '', rule: 'must be an array' }],
    })
  }
  const hash = createHash('sha256')
    .update(signature ?? '')
    .digest()
  const { replayed, unknown } = await write({ hash, changes: delivery.changes })
  metrics.webhookDeliveries.inc({ outcome: replayed ? 'replayed' : 'stored' })
  if (!replayed) countEvents(metrics, delivery, unknown)
}

const notConfigured = () =>
  new AppError('webhooks_not_configured', 'This service does not accept webhooks: HUBSPOT_APP_ID is not set')

function invalidSignature(metrics: Metrics, fault: SignatureFault): AppError {
  metrics.webhookDeliveries.inc({ outcome: fault })
  return new AppError('invalid_signature', 'The request has no valid, recent signature from HubSpot')
}

const signatureHeadersOf = (request: RequestHeaders) => ({
  signature: headerOf(request, 'x-hubspot-signature-v3'),
  timestamp: headerOf(request, 'x-hubspot-request-timestamp'),
})

const headerOf = ({ headers }: RequestHeaders, name: string): string | undefined => {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (cause) {
    throw new AppError('invalid_json', 'The body is not JSON', { cause })
  }
}

function countEvents(
  { webhookEvents }: Metrics,
  { changes, otherKind, otherApp, malformed }: InboundDelivery,
  unknown: number,
): void {
  webhookEvents.inc({ outcome: 'queued' }, changes.length)
  webhookEvents.inc({ outcome: 'unknown_account' }, unknown)
  webhookEvents.inc({ outcome: 'other_kind' }, otherKind)
  webhookEvents.inc({ outcome: 'other_app' }, otherApp)
  webhookEvents.inc({ outcome: 'malformed' }, malformed)
}

/** Counts the memory used by long bodies, over all requests. */
function createBodyBudget() {
  let held = 0
  return {
    /** @param answer the bytes count until this response is sent or its client is gone */
    meter(answer: ServerResponse): Transform {
      let [length, own] = [0, 0]
      answer.once('close', () => {
        held -= own
      })
      return new Transform({
        transform(chunk: Buffer, _encoding, done) {
          length += chunk.length
          const more = Math.max(0, length - usualBodyBytes) - own
          if (held + more > longBodiesBytes)
            return done(
              new AppError('overloaded', 'Too many large webhooks are being received at once', {
                retryAfter: 1,
              }),
            )
          held += more
          own += more
          done(null, chunk)
        },
      })
    },
  }
}
