/** Who may ask for what: one rule per route, and no route without one. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { mayAdminister, mayDo, owns, type Principal, type Scope, scopes } from '../api/principal.ts'
import type { Authenticate } from '../auth/authenticate.ts'
import type { Proven } from '../auth/proven.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { AppError, integrationNotFound } from '../lib/errors.ts'

/**
 * public: nobody is asked who they are. signed: HubSpot, which signs what it sends. session: whoever may have one. A scope: the tenant of the path, by it. admin: the operator.
 * metrics: the operator, or who collects figures.
 */
export type Access = 'public' | 'signed' | 'session' | Scope | 'admin' | 'metrics'

export interface Rule {
  method: string
  /** With `:name` for each parameter. */
  url: string
  access: Access
}

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access
    /** For a scope on a path without `tenant_id`: where the handler finds the tenant, and itself refuses another's. */
    tenantIn?: 'state'
  }
  interface FastifyInstance {
    /** Every route with its rule, one a method, in the order they were added. */
    rules: Rule[]
  }
  interface FastifyRequest {
    principal: Principal | undefined
    /** The principal, and what proved it. */
    proven: Proven | undefined
  }
}

/** Before any route: from then on a route without a rule, or with one that nothing can hold, stops the start. */
export function requireRules(app: FastifyInstance): void {
  app.decorateRequest('principal', undefined)
  app.decorateRequest('proven', undefined)
  const rules: Rule[] = []
  app.decorate('rules', rules)
  app.addHook('onRoute', ({ method, url, config }) => {
    const { access, tenantIn } = config ?? {}
    const route = `${[method].flat().join(', ')} ${url}`
    if (!access) throw new Error(`${route} does not say who may ask for it`)
    if (isScope(access) && !url.includes('/:tenant_id') && !tenantIn)
      throw new Error(`${route} is for a tenant and has none in its path`)
    for (const one of [method].flat()) rules.push({ method: one, url, access })
  })
}

/**
 * Lets a request through, or refuses it before anything is looked up: a tenant's credential learns the same of another's
 * path whether anything stands there or not.
 *
 * @throws AppError unauthenticated | forged_request | integration_not_found | invalid_id | insufficient_scope | unavailable
 */
export async function passGate(request: FastifyRequest, authenticate: Authenticate): Promise<void> {
  const { access } = request.routeOptions.config
  // Who signed it is seen once the body is here.
  if (access === 'public' || access === 'signed') return
  const proven = await authenticate(request)
  if (!proven) throw new AppError('unauthenticated', 'A credential is needed')
  const { principal } = proven
  request.proven = proven
  request.principal = principal
  // A path that is not there has no rule; who asks is known, and it answers 404 to everybody.
  if (!access) return
  if (!isScope(access)) {
    const may = mayAdminister(principal) || principal.kind === (access === 'session' ? 'tenant' : access)
    if (!may) throw insufficientScope(access)
    return
  }
  const { tenant_id: asked } = (request.params ?? {}) as { tenant_id?: string }
  if (asked !== undefined && !owns(principal, parseTenantId(asked))) throw integrationNotFound()
  if (!mayDo(principal, access)) throw insufficientScope(access)
}

/** Whether the rule is a scope of the tenant in the path. */
export const isScope = (access: Access): access is Scope => (scopes as readonly Access[]).includes(access)

const insufficientScope = (needed: Access) =>
  new AppError('insufficient_scope', `This credential may not do this; it needs ${needed}`)
