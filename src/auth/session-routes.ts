/** HTTP routes of sessions: begin, read, end. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { nameOf, scopes } from '../api/principal.ts'
import { problems } from '../api/wire.ts'
import { AppError } from '../lib/errors.ts'
import type { Proven, Session } from './proven.ts'
import { clearCookie } from './session.ts'
import { sessionAnswer, sessionEnded } from './session-schema.ts'
import type { Sessions } from './sessions.ts'

const tags = ['session']
const path = '/api/session'
const querystring = z.strictObject({})

/** @param provenOf returns the gate's result for a request */
export function sessionRoutes(
  instance: FastifyInstance,
  sessions: Sessions,
  provenOf: (request: FastifyRequest) => Proven,
): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()

  app.post(
    path,
    {
      config: { access: 'session', audited: 'session.begin' },
      schema: {
        tags,
        operationId: 'session.begin',
        querystring,
        response: { 200: sessionAnswer, ...problems },
      },
    },
    async (request, reply) => {
      refuseBody(request.body)
      const proven = provenOf(request)
      // Open mode has no sessions; the response has the same form, so that a page works unchanged.
      if (proven.principal.kind === 'open') return present(proven)
      const { session, cookie } = await sessions.begin(request, proven)
      reply.header('set-cookie', cookie)
      return present(proven, session)
    },
  )

  app.get(
    path,
    {
      config: { access: 'session' },
      schema: {
        tags,
        operationId: 'session.get',
        querystring,
        response: { 200: sessionAnswer, ...problems },
      },
    },
    async (request) => present(provenOf(request), provenOf(request).session),
  )

  app.delete(
    path,
    {
      config: { access: 'session', audited: 'session.end' },
      schema: { tags, operationId: 'session.end', querystring, response: { 200: sessionEnded, ...problems } },
    },
    async (request, reply) => {
      refuseBody(request.body)
      // A request authenticated by a header does not end the cookie's session.
      const ended = provenOf(request).session !== undefined && (await sessions.end(request))
      if (ended) reply.header('set-cookie', clearCookie(sessions.ours))
      return { success: true as const, ended }
    },
  )
}

function refuseBody(body: unknown): void {
  if (body === undefined || body === null || (typeof body === 'object' && Object.keys(body).length === 0))
    return
  throw new AppError('validation_failed', 'This request must not have a body', {
    details: [{ pointer: '', rule: 'must not have a body' }],
  })
}

const present = ({ principal }: Proven, session?: Session): z.infer<typeof sessionAnswer> => ({
  success: true,
  // The gate admits no other principal.
  principal: principal.kind as z.infer<typeof sessionAnswer>['principal'],
  tenant_id: principal.kind === 'tenant' ? principal.tenantId : null,
  scopes: principal.kind === 'tenant' ? [...principal.scopes] : [...scopes],
  by: nameOf(principal),
  csrf_token: session?.csrf ?? null,
  expires_at: session?.expiresAt.toISOString() ?? null,
})
