/** The HTTP server: limits, the gate, error responses, and the routes of the features. */
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import type { ByteBudget } from '../api/byte-budget.ts'
import type { Feature } from '../api/feature.ts'
import type { AuditLog } from '../audit/record.ts'
import type { Authenticate } from '../auth/authenticate.ts'
import type { Clock } from '../lib/clock.ts'
import { AppError } from '../lib/errors.ts'
import { newId } from '../lib/ids.ts'
import type { Log } from '../lib/log.ts'
import { resolveAliases } from './aliases.ts'
import { createAllowedMethods, methodNotAllowed } from './allowed-methods.ts'
import { auditEffects } from './audit-effects.ts'
import { answerConditionalRequests } from './conditional-requests.ts'
import { replyError } from './error-reply.ts'
import { authenticateRequest, authorizeRequest, requireAccessRules } from './gate.ts'
import { securityHeaders } from './headers.ts'
import { type HealthDependencies, healthRoutes } from './health.ts'
import { acceptJsonOnly } from './json-body.ts'
import { createLimits, type Rates } from './limits/limits.ts'
import { createLoadShedding, type Load, watchDelay } from './limits/load-shedding.ts'
import { accountForResponseBytes } from './limits/response-bytes.ts'
import { disconnectSlowReaders } from './limits/slow-readers.ts'
import { limitSockets, maxOpenFiles, socketLimits } from './limits/sockets.ts'
import { refuseAmbiguousRequest, refuseExpectHeader, refuseMalformedRequest } from './malformed-requests.ts'
import { describeOpenApi } from './openapi.ts'
import { referenceRoutes } from './reference/reference-routes.ts'

export interface ServerDependencies {
  authenticate: Authenticate
  /** Open mode responds only to this machine's own host names. */
  open: boolean
  /** Where callers reach us. */
  publicUrl: string
  log: Log
  health: Omit<HealthDependencies, 'draining'>
  audit: AuditLog
  clock: Clock
  /** Absent: no rate limits. */
  rates?: Rates
  load: Load
  /** Memory budget of responses. */
  bytes: ByteBudget
  /** Addresses and networks whose X-Forwarded-For is trusted. */
  trustedProxies: readonly string[]
  /** Those that bring routes. None in a worker-only process, which serves only probes. */
  features: readonly Pick<Feature, 'routes'>[]
}

/** How long running requests may take to finish at a stop. */
const closeWithinMs = 4_000

const ownNames = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i

export async function createServer(deps: ServerDependencies): Promise<FastifyInstance> {
  const stopping = new AbortController()
  const secure = securityHeaders(deps.publicUrl)
  /** Set on the raw response, so that a stream that writes its own head has them too. */
  const dress = (request: FastifyRequest, { raw }: FastifyReply) => {
    raw.setHeaders(new Map(Object.entries({ ...secure, 'request-id': request.id })))
  }
  const app: FastifyInstance = Fastify({
    loggerInstance: deps.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    genReqId: (request) => safeRequestId(request.headers['x-request-id']) ?? newId(),
    bodyLimit: 64 * 1024,
    trustProxy: deps.trustedProxies.length > 0 && [...deps.trustedProxies],
    routerOptions: { maxParamLength: 100 },
    // All three are needed: otherwise Node lets a body trickle in for 30 seconds or longer.
    requestTimeout: 3_000,
    http: {
      headersTimeout: 2_000,
      requestTimeout: 3_000,
      connectionsCheckingInterval: 500,
      maxHeaderSize: 16 * 1024,
      // Node would respond in its own format; the first hook checks the header instead.
      requireHostHeader: false,
    },
    forceCloseConnections: 'idle',
    clientErrorHandler: (error: Error & { code?: string }, socket) =>
      refuseMalformedRequest(error, socket, deps.log, secure),
    // Hooks do not run for these errors.
    frameworkErrors: (error, request, reply) => {
      dress(request as FastifyRequest, reply as FastifyReply)
      replyError(error, request as FastifyRequest, reply as FastifyReply)
    },
  })

  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.setErrorHandler(replyError)
  acceptJsonOnly(app)
  await describeOpenApi(app)

  requireAccessRules(app)
  const methods = createAllowedMethods(app)
  resolveAliases(app, deps.audit.db)
  auditEffects(app, deps.audit, deps.health.metrics)
  const { metrics } = deps.health
  const delay = watchDelay(deps.clock)
  app.addHook('onClose', async () => delay.stop())
  const shedding = createLoadShedding({ load: deps.load, metrics, clock: deps.clock, delayMs: delay.delayMs })
  const limits = deps.rates && createLimits({ rates: deps.rates, metrics, clock: deps.clock })
  // The type requires an initial value; the first hook sets the signal of each request.
  app.decorateRequest('abortSignal', undefined as unknown as AbortSignal)
  app.addHook('onRequest', async (request, reply) => {
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort(new AppError('bad_request', 'The caller disconnected')))
    request.abortSignal = AbortSignal.any([gone.signal, stopping.signal])
    dress(request, reply)
    shedding.enter(request, reply)
    if (deps.open && !ownNames.test(request.headers.host ?? '')) {
      reply.header('connection', 'close')
      throw new AppError(
        'misdirected_request',
        'Without an admin key, Spoke accepts requests only at localhost',
        {
          status: 421,
        },
      )
    }
    refuseAmbiguousRequest(request)
    const authenticate = () => authenticateRequest(request, deps.authenticate)
    await (limits ? limits(request, reply, authenticate) : authenticate())
    if (methods.isMistaken(request)) throw methodNotAllowed(reply, methods.of(request))
    authorizeRequest(request)
    shedding.enterAuthenticated(request, reply)
  })
  answerConditionalRequests(app)
  accountForResponseBytes(app, deps.bytes)
  disconnectSlowReaders(app)
  const sockets = limitSockets(app.server, socketLimits(deps.load, maxOpenFiles()), {
    trusted: deps.trustedProxies,
    now: () => deps.clock.monotonic(),
    onClosed: () => metrics.httpShed.inc({ reason: 'sockets' }),
  })
  app.addHook('onSend', async ({ raw }, reply) => {
    // The rest of an unread body would be read for nothing. The header tells the caller to stop
    // sending.
    if (!raw.complete || !sockets.mayStay(raw.socket)) reply.header('connection', 'close')
  })
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none'
    const seconds = reply.elapsedTime / 1_000
    deps.health.metrics.httpDuration.observe(
      { method: request.method, route, status: reply.statusCode },
      seconds,
    )
    request.log.info(
      { method: request.method, route, status: reply.statusCode, ms: Math.round(reply.elapsedTime) },
      'request',
    )
  })
  app.addHook('preClose', async () => {
    stopping.abort(new AppError('unavailable', 'The service is stopping', { retryAfter: 5 }))
    // Node stops timing out half-sent requests once it closes; they must not delay the stop.
    setTimeout(() => app.server.closeAllConnections(), closeWithinMs).unref()
  })
  app.server.on('checkExpectation', (_request, response) => refuseExpectHeader(response, deps.log, secure))

  app.setNotFoundHandler((request, reply) => {
    const allowed = methods.of(request)
    if (allowed.length === 0) throw new AppError('not_found', 'No such path')
    throw methodNotAllowed(reply, allowed)
  })

  healthRoutes(app, { ...deps.health, draining: () => stopping.signal.aborted })
  for (const { routes } of deps.features) await routes?.(app)
  // Built once and shared, so that slow readers do not multiply its memory.
  let described: Buffer | undefined
  app.get(
    '/openapi.json',
    { config: { access: 'public' }, schema: { hide: true } },
    async (_request, reply) => {
      described ??= Buffer.from(JSON.stringify(app.swagger()))
      return reply.type('application/json; charset=utf-8').send(described)
    },
  )
  referenceRoutes(app)
  return app
}

const safeRequestId = (given: string | string[] | undefined): string | undefined =>
  typeof given === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(given) ? given : undefined
