/** The gate: every rule against every principal, no route without a rule, and no lookup for refused callers. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import Fastify, { type FastifyInstance } from 'fastify'
import { type Principal, type Scope, scopes } from '../../src/api/principal.ts'
import type { TenantId } from '../../src/db/tenant-id.ts'
import { replyError } from '../../src/http/error-reply.ts'
import {
  authenticateRequest,
  authorizeRequest,
  type RouteAccess,
  requireAccessRules,
} from '../../src/http/gate.ts'

const own = randomUUID() as TenantId
const other = randomUUID()
const ofTenant = (...held: Scope[]): Principal => ({
  kind: 'tenant',
  tenantId: own,
  scopes: held,
  by: 'key:x',
})

const principals: Record<string, Principal | undefined> = {
  nobody: undefined,
  open: { kind: 'open' },
  admin: { kind: 'admin' },
  metrics: { kind: 'metrics' },
  'a tenant without scopes': ofTenant(),
  ...Object.fromEntries(scopes.map((scope) => [`a tenant that may ${scope}`, ofTenant(scope)])),
  'a tenant that may all': ofTenant(...scopes),
}
const rules: RouteAccess[] = ['public', 'session', ...scopes, 'admin', 'metrics']

/** Where each answer must come from, written down a second time. */
function expected(who: string, rule: RouteAccess, tenant: string): number {
  if (rule === 'public') return 200
  const principal = principals[who]
  if (!principal) return 401
  // Every principal that may have a session: all tenants and the operator, on any path.
  if (rule === 'session') return principal.kind === 'metrics' ? 403 : 200
  if (principal.kind === 'metrics') return rule === 'metrics' ? 200 : rule === 'admin' ? 403 : 404
  if (principal.kind !== 'tenant') return 200
  if (rule === 'admin' || rule === 'metrics') return 403
  if (tenant !== own) return 404
  return (principal.scopes as string[]).includes(rule) ? 200 : 403
}

function gated(reached: () => void): FastifyInstance {
  const app = Fastify()
  app.setErrorHandler(replyError)
  requireAccessRules(app)
  app.addHook('onRequest', async (request) => {
    await authenticateRequest(request, async () => {
      const principal = principals[String(request.headers['x-who'])]
      return principal && { principal }
    })
    authorizeRequest(request)
  })
  for (const rule of rules)
    app.get(`/${rule}/:tenant_id`, { config: { access: rule } }, async () => {
      reached()
      return {}
    })
  return app
}

test('each rule admits the principals that it names, for their own tenant, and no other reaches the handler', async () => {
  let reached = 0
  const app = gated(() => {
    reached += 1
  })
  const without = (text: string) => text.replaceAll(/"request_id":"[^"]*"/g, '')
  const foreign = new Set<string>()
  let cells = 0
  for (const who of Object.keys(principals))
    for (const rule of rules)
      for (const tenant of [own, other]) {
        const before = reached
        const what = `${who} at ${rule} of ${tenant === own ? 'the own' : 'another'} tenant`
        const answer = await app.inject({ url: `/${rule}/${tenant}`, headers: { 'x-who': who } })
        assert.equal(answer.statusCode, expected(who, rule, tenant), what)
        assert.equal(reached - before, answer.statusCode === 200 ? 1 : 0, what)
        if (answer.statusCode === 401) assert.match(String(answer.headers['www-authenticate']), /^Bearer/)
        if (answer.statusCode === 404) foreign.add(without(answer.body))
        cells += 1
      }
  assert.equal(foreign.size, 1, 'another tenant’s path has one response, for any request')
  assert.equal(cells, 9 * 7 * 2)
})

test('a route without an access rule stops the start', () => {
  const app = Fastify()
  requireAccessRules(app)
  assert.throws(() => app.get('/forgotten', async () => ({})), /GET \/forgotten has no access rule/)
  assert.throws(
    () => app.get('/x', { config: { access: 'read' } }, async () => ({})),
    /no :tenant_id in its path/,
  )
  assert.doesNotThrow(() =>
    app.get('/y', { config: { access: 'manage', tenantIn: 'state' } }, async () => ({})),
  )
})
