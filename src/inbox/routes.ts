/** Where HubSpot sends its webhooks: proved, kept, answered. Nothing is read from HubSpot before the answer. */
import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { pipeline, Transform } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { problems } from '../api/wire.ts'
import type { Database } from '../db/database.ts'
import { type SignatureFault, signatureFault, signatureHeaderFault } from '../hubspot/events/signature.ts'
import { type Delivery, readDelivery } from '../hubspot/events/webhook-event.ts'
import type { Clock } from '../lib/clock.ts'
import { AppError } from '../lib/errors.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { Secret } from '../lib/secret.ts'
import { createKeeper, type Keeper } from './keeper.ts'

export interface WebhookParts {
  db: Database
  /** Our app; absent: no webhook can be proved. */
  app: { appId: number; clientSecrets: readonly Secret[] } | undefined
  /** Where HubSpot reaches us: what it signed begins with it, whatever a Host header says. */
  publicUrl: string
  windowMs: number
  clock: Clock
  metrics: Metrics
}

/** A hundred events whose values are as long as HubSpot lets them be. */
const bodyLimit = 8 * 2 ** 20
/** As long as most deliveries are. So much of each has room in any case: as many as requests are taken on. */
const usualLength = 64 * 1024
/**
 * What is longer shares this, as it arrives and until it is answered: nobody has proved anything yet, and a length that is only
 * said takes nothing away from HubSpot, which sends again what is refused.
 */
const roomForLong = 64 * 2 ** 20

/** @param instance a part of the server of its own: its bodies are taken as bytes, which is what was signed */
export function webhookRoutes(instance: FastifyInstance, parts: WebhookParts): void {
  instance.removeAllContentTypeParsers()
  instance.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  const room = createRoom()
  const keep = createKeeper(parts.db, parts.windowMs)

  instance.withTypeProvider<ZodTypeProvider>().post(
    '/api/hubspot/webhooks',
    {
      // HubSpot's deed, and no effect but that tickets are read again: the inbox is its record.
      config: { access: 'signed', audited: false },
      bodyLimit,
      onRequest: async (request) => refuseUnread(parts, request),
      preParsing: async (_request, { raw }, payload) => pipeline(payload, room.meter(raw), () => {}),
      schema: {
        tags: ['webhooks'],
        operationId: 'webhooks.receive',
        description:
          'For HubSpot: up to 100 events as a JSON array, signed (X-HubSpot-Signature-v3) with the client secret of the app.',
        querystring: z.strictObject({}),
        response: { 204: z.null(), ...problems },
      },
    },
    async (request, reply) => {
      await receive(parts, keep, request)
      return reply.code(204).send(null)
    },
  )
}

interface Headed {
  headers: NodeJS.Dict<string | string[]>
}

interface Received extends Headed {
  method: string
  url: string
  body: unknown
}

/**
 * What cannot be a delivery of HubSpot's is refused before its body is read.
 *
 * @throws AppError webhooks_not_configured | invalid_signature | unsupported_media_type | body_too_large
 */
function refuseUnread({ app, clock, metrics }: WebhookParts, request: Headed): void {
  if (!app) throw notConfigured()
  const fault = signatureHeaderFault(signatureHeadersOf(request), clock.now())
  if (fault) throw invalidSignature(metrics, fault)
  if (!/^application\/json\s*(;|$)/i.test(headerOf(request, 'content-type') ?? ''))
    throw new AppError('unsupported_media_type', 'The body must be application/json')
  if (Number(headerOf(request, 'content-length') ?? 0) > bodyLimit)
    throw new AppError('body_too_large', 'The body is too large')
}

/** @throws AppError webhooks_not_configured | invalid_signature | invalid_json | validation_failed */
async function receive(
  { app, publicUrl, clock, metrics }: WebhookParts,
  keep: Keeper,
  request: Received,
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
  const { replayed, unknown } = await keep({ hash, changes: delivery.changes })
  metrics.webhookDeliveries.inc({ outcome: replayed ? 'replayed' : 'kept' })
  if (!replayed) count(metrics, delivery, unknown)
}

const notConfigured = () =>
  new AppError('webhooks_not_configured', 'This service takes no webhooks: HUBSPOT_APP_ID is not set')

function invalidSignature(metrics: Metrics, fault: SignatureFault): AppError {
  metrics.webhookDeliveries.inc({ outcome: fault })
  return new AppError(
    'invalid_signature',
    'The signature is not one that HubSpot made for this request just now',
  )
}

const signatureHeadersOf = (request: Headed) => ({
  signature: headerOf(request, 'x-hubspot-signature-v3'),
  timestamp: headerOf(request, 'x-hubspot-request-timestamp'),
})

const headerOf = ({ headers }: Headed, name: string): string | undefined => {
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

function count(
  { webhookEvents }: Metrics,
  { changes, otherKind, otherApp, malformed }: Delivery,
  unknown: number,
): void {
  webhookEvents.inc({ outcome: 'heard' }, changes.length)
  webhookEvents.inc({ outcome: 'unknown_account' }, unknown)
  webhookEvents.inc({ outcome: 'other_kind' }, otherKind)
  webhookEvents.inc({ outcome: 'other_app' }, otherApp)
  webhookEvents.inc({ outcome: 'malformed' }, malformed)
}

/** Counts what is held of long bodies, all requests together. */
function createRoom() {
  let held = 0
  return {
    /** @param answer the bytes are held until it is out or its reader gone */
    meter(answer: ServerResponse): Transform {
      let [length, own] = [0, 0]
      answer.once('close', () => {
        held -= own
      })
      return new Transform({
        transform(chunk: Buffer, _encoding, done) {
          length += chunk.length
          const more = Math.max(0, length - usualLength) - own
          if (held + more > roomForLong)
            return done(new AppError('overloaded', 'Too many webhooks are on their way', { retryAfter: 1 }))
          held += more
          own += more
          done(null, chunk)
        },
      })
    },
  }
}
