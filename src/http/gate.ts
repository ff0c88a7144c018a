/** Decides who may call which route: every route has exactly one access rule. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import {
  hasScope,
  mayAccessTenant,
  mayAdminister,
  type Principal,
  type Scope,
  scopes,
} from '../api/principal.ts'
import type { AuthContext } from '../auth/auth-context.ts'
import type { Authenticate } from '../auth/authenticate.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { AppError, integrationNotFound } from '../lib/errors.ts'

/**
 * public: no authentication. signed: HubSpot, which signs its requests. session: the operator, or
 * any credential of a tenant. A scope: a credential of the tenant in the path with that scope, or
 * the operator. admin: the operator. metrics: the operator, or the metrics collector.
 */
export type RouteAccess = 'public' | 'signed' | 'session' | Scope | 'admin' | 'metrics'

export interface RouteRule {
  method: string
  /** With `:name` for each parameter. */
  url: string
  access: RouteAccess
}

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: RouteAccess
    /**
     * For a scope on a path without `tenant_id`: the handler finds the tenant here, and itself
     * refuses another tenant's.
     */
    tenantIn?: 'state'
  }
  interface FastifyInstance {
    /** Every route with its rule, one entry per method, in the order of registration. */
    rules: RouteRule[]
  }
  interface FastifyRequest {
    principal: Principal | undefined
    /** The principal, and what authenticated it. */
    authContext: AuthContext | undefined
  }
}

/**
 * Call before adding any route. From then on the process does not start if a route has no rule, or
 * has a rule that cannot be enforced.
 */
export function requireAccessRules(app: FastifyInstance): void {
  app.decorateRequest('principal', undefined)
  app.decorateRequest('authContext', undefined)
  const rules: RouteRule[] = []
  app.decorate('rules', rules)
  app.addHook('onRoute', ({ method, url, config }) => {
    const { access, tenantIn } = config ?? {}
    const route = `${[method].flat().join(', ')} ${url}`
    if (!access) throw new Error(`${route} has no access rule`)
    if (isScope(access) && !url.includes('/:tenant_id') && !tenantIn)
      throw new Error(`${route} needs a tenant but has no :tenant_id in its path`)
    for (const one of [method].flat()) rules.push({ method: one, url, access })
  })
}

/**
 * Sets the request's principal, unless its route needs none.
 *
 * @throws AppError unauthenticated | forged_request | integration_not_found | unavailable
 */
export async function authenticateRequest(
  request: FastifyRequest,
  authenticate: Authenticate,
): Promise<void> {
  const { access } = request.routeOptions.config
  if (needsNoPrincipal(access)) return
  const context = await authenticate(request)
  if (!context) throw unauthenticated()
  request.authContext = context
  request.principal = context.principal
}

/**
 * Admits or refuses an authenticated request before anything is looked up, so that a tenant's
 * credential gets the same response for another tenant's path whether the resource exists or not.
 *
 * @throws AppError unauthenticated | integration_not_found | invalid_id | insufficient_scope
 */
export function authorizeRequest(request: FastifyRequest): void {
  const { access } = request.routeOptions.config
  if (needsNoPrincipal(access)) return
  const { principal } = request
  if (!principal) throw unauthenticated()
  // An unknown path has no rule: it responds with 404 to every authenticated caller.
  if (!access) return
  if (!isScope(access)) {
    const may = mayAdminister(principal) || principal.kind === (access === 'session' ? 'tenant' : access)
    if (!may) throw insufficientScope(access)
    return
  }
  const { tenant_id: tenantId } = (request.params ?? {}) as { tenant_id?: string }
  if (tenantId !== undefined && !mayAccessTenant(principal, parseTenantId(tenantId)))
    throw integrationNotFound()
  if (!hasScope(principal, access)) throw insufficientScope(access)
}

/** Whether the rule is a scope of the tenant in the path. */
export const isScope = (access: RouteAccess): access is Scope =>
  (scopes as readonly RouteAccess[]).includes(access)

/** A signature can be verified only once the body has arrived. */
const needsNoPrincipal = (access: RouteAccess | undefined) => access === 'public' || access === 'signed'

const unauthenticated = () => new AppError('unauthenticated', 'Authentication is required')

const insufficientScope = (needed: RouteAccess) =>
  new AppError('insufficient_scope', `This credential lacks permission; this request needs ${needed}`)
