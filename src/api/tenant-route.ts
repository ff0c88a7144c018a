/** Declares a route of one tenant. What all of them do is written here once. */
import type {
  FastifyContextConfig,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  RouteOptions,
} from 'fastify'
import { z } from 'zod'
import type { Database } from '../db/database.ts'
import { type TenantScope, withTenant } from '../db/scope.ts'
import { parseTenantId, type TenantId } from '../db/tenant-id.ts'
import type { RouteError } from '../lib/errors.ts'
import type { Secret } from '../lib/secret.ts'
import { readPageWithinBudget, type SizedRow } from './byte-budget.ts'
import { readIdempotencyKey } from './idempotency.ts'
import { runIdempotent, runIdempotentWithSecret } from './run-idempotent.ts'
import { noQuery, responseOf, type tenantPath } from './wire.ts'

/** The body of each success status, without `success` and the ids of the path. The first status is the default. */
type Responses = Record<number, z.ZodObject>

export interface TenantRoute<
  Params extends typeof tenantPath,
  Query extends z.ZodType,
  Body extends z.ZodType,
  Success extends Responses,
> {
  method: 'GET' | 'POST' | 'DELETE'
  /** With `:tenant_id`, and a `:name` for each other parameter. */
  path: string
  operationId: string
  tags: readonly [string]
  /** One line in the API reference. */
  summary: string
  /** What a caller must know, in Markdown. */
  description: string
  /** Who may call it, what the audit log records, and the like: see each option. */
  config: FastifyContextConfig
  /** Besides those of every route: see `http/route-errors.ts`. */
  errors: readonly RouteError[]
  params: Params
  /** Absent: a request with query parameters is refused. */
  query?: Query
  /** Query parameters `<name>.<anything>` reach the schema as one object of this name. */
  collects?: readonly string[]
  body?: Body
  /** Of a request without a body. Absent: the body is required. */
  defaultBody?: z.input<Body>
  response: Success
  /** Absent: a GET answers HEAD too. */
  exposeHeadRoute?: false
  /** Accepts an Idempotency-Key. The handler calls `once` or `onceWithSecret`, or reads the key itself. */
  idempotent?: true
  /** Looks up what the path names at the start of each transaction, and throws if it is missing. */
  requires?(scope: TenantScope, params: z.output<Params>): Promise<void>
}

/**
 * Like `once`, for work that creates a secret. The stored result does not contain it.
 *
 * @returns secret: null for a repeated request
 */
export type OnceWithSecret = <Result extends object>(
  work: (scope: TenantScope) => Promise<{ result: Result; secret: Secret }>,
) => Promise<{ result: Result; secret: string | null }>

export interface TenantCall<Params, Query, Body> {
  tenantId: TenantId
  params: Params
  query: Query
  body: Body
  request: FastifyRequest
  reply: FastifyReply
  /** Runs the work in a transaction of the tenant. */
  transaction<Result>(work: (scope: TenantScope) => Promise<Result>): Promise<Result>
  /**
   * The same, once for each Idempotency-Key: key, effect and response are committed together.
   *
   * @returns the work's result, or that of the first request with this key
   */
  once<Result extends object>(work: (scope: TenantScope) => Promise<Result>): Promise<Result>
  onceWithSecret: OnceWithSecret
  /**
   * Reads a page of rows with memory reserved for it, in a transaction for each attempt.
   *
   * @param read up to `limit + 1` rows, of which those beyond `bytes` may be cut
   */
  readPage<Row extends SizedRow>(
    limit: number,
    read: (scope: TenantScope, bytes: number) => Promise<Row[]>,
  ): Promise<{ rows: Row[]; more: boolean }>
}

/** The response without the ids of the path, which some objects repeat. */
type Answer<Params, Success extends Responses> = Omit<z.input<Success[keyof Success]>, keyof Params>

/**
 * Adds the route. The tenant's id is parsed once, the response gets `success: true` and the ids of
 * the path, and errors get the one error object.
 *
 * @param handle is called with no transaction open, so that it may call HubSpot
 */
export function tenantRoute<
  Params extends typeof tenantPath,
  Success extends Responses,
  Query extends z.ZodType = typeof noQuery,
  Body extends z.ZodType = z.ZodUndefined,
>(
  app: FastifyInstance,
  db: Database,
  route: TenantRoute<Params, Query, Body, Success>,
  handle: (
    call: TenantCall<z.output<Params>, z.output<Query>, z.output<Body>>,
  ) => Promise<Answer<z.output<Params>, Success>>,
): void {
  const { method, path, tags, operationId, summary, description, requires, defaultBody } = route
  const [status] = Object.keys(route.response).map(Number)
  const ids = Object.entries(route.params.shape)
  const shown = Object.fromEntries(ids.map(([name, id]) => [name, z.string().meta(id.meta() ?? {})]))
  const responses = Object.entries(route.response).map(
    ([status, body]) => [status, responseOf(body, shown)] as const,
  )
  if (status === undefined) throw new Error(`${method} ${path} declares no success status`)
  const options: RouteOptions = {
    method,
    url: path,
    config: {
      ...route.config,
      errors: route.errors,
      ...(defaultBody === undefined ? {} : { bodyOptional: true }),
      ...(route.idempotent ? { requestHeaders: ['Idempotency-Key'] } : {}),
      ...(route.config.etag ? { requestHeaders: ['If-None-Match'] } : {}),
    },
    preValidation: [
      ...(defaultBody === undefined ? [] : [useWhenAbsent(defaultBody)]),
      ...(route.collects ?? []).map(collectParameters),
    ],
    ...(route.exposeHeadRoute === undefined ? {} : { exposeHeadRoute: route.exposeHeadRoute }),
    schema: {
      tags,
      operationId,
      summary,
      description,
      params: route.params,
      querystring: route.query ?? noQuery,
      ...(route.body ? { body: route.body } : {}),
      response: Object.fromEntries(responses),
    },
    async handler(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
      const params = request.params as z.output<Params>
      const tenantId = parseTenantId(params.tenant_id)
      const transaction = <Result>(work: (scope: TenantScope) => Promise<Result>) =>
        withTenant(db, tenantId, async (scope) => {
          await requires?.(scope, params)
          return await work(scope)
        })
      const key = () => {
        if (!route.idempotent) throw new Error(`${operationId} does not declare that it is idempotent`)
        return readIdempotencyKey(request)
      }
      reply.code(status)
      const answer = await handle({
        tenantId,
        params,
        query: request.query as z.output<Query>,
        body: request.body as z.output<Body>,
        request,
        reply,
        transaction,
        async once(work) {
          const { body } = await transaction((scope) =>
            runIdempotent(scope, key(), async () => ({ status, body: await work(scope) })),
          )
          return body
        },
        async onceWithSecret(work) {
          const { body, secret } = await transaction((scope) =>
            runIdempotentWithSecret(scope, key(), async () => {
              const { result, secret } = await work(scope)
              return { answer: { status, body: result }, secret }
            }),
          )
          return { result: body, secret: secret?.reveal() ?? null }
        },
        readPage: (limit, read) =>
          readPageWithinBudget(
            limit,
            (...reservation) => request.reserve(...reservation),
            (bytes) => transaction((scope) => read(scope, bytes)),
          ),
      })
      return { success: true, ...params, ...answer }
    },
  }
  app.route(options)
}

const useWhenAbsent = (body: unknown) => async (request: FastifyRequest) => {
  if (request.body === undefined) request.body = body
}

/** In the order of their names: whatever the order of the request, the result is the same. */
export const collectParameters = (name: string) => async (request: FastifyRequest) => {
  const query = request.query as Record<string, unknown>
  // No object can have `__proto__` as a key: left as it is, it is refused as unknown.
  const names = Object.keys(query).filter((key) => key.startsWith(`${name}.`) && key !== `${name}.__proto__`)
  if (names.length === 0 || name in query) return
  const collected = Object.fromEntries(names.sort().map((key) => [key.slice(name.length + 1), query[key]]))
  const others = Object.entries(query).filter(([key]) => !names.includes(key))
  request.query = { ...Object.fromEntries(others), [name]: collected }
}
