/** HTTP routes of sessions: begin, read, end. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { z } from 'zod'
import { principalName, scopes } from '../api/principal.ts'
import { noQuery, responseOf } from '../api/wire.ts'
import { AppError } from '../lib/errors.ts'
import type { AuthContext, SessionContext } from './auth-context.ts'
import { clearSessionCookie } from './session.ts'
import { sessionEnded, session as sessionSchema } from './session-schema.ts'
import type { Sessions } from './sessions.ts'

const tags = ['session']
const path = '/api/session'

/** @param authContextOf returns the gate's result for a request */
export function sessionRoutes(
  instance: FastifyInstance,
  sessions: Sessions,
  authContextOf: (request: FastifyRequest) => AuthContext,
): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()

  app.post(
    path,
    {
      config: { access: 'session', audited: 'session.begin', responseHeaders: ['Set-Cookie'] },
      schema: {
        tags,
        operationId: 'session.begin',
        summary: 'Begin a session',
        description:
          'Exchanges the credential in `Authorization` for a cookie that no script can read. A session cannot create a session. It ends after 30 minutes without a request, after 12 hours, and with its credential. In open mode there is no cookie.',
        querystring: noQuery,
        response: { 200: responseOf(sessionSchema) },
      },
    },
    async (request, reply) => {
      refuseBody(request.body)
      const context = authContextOf(request)
      // Open mode has no sessions; the response has the same form, so that a page works unchanged.
      if (context.principal.kind === 'open') return present(context)
      const { session, cookie } = await sessions.begin(request, context)
      reply.header('set-cookie', cookie)
      return present(context, session)
    },
  )

  app.get(
    path,
    {
      config: { access: 'session' },
      schema: {
        tags,
        operationId: 'session.get',
        summary: 'Read the session',
        description: 'Who is calling, by cookie or by header. A reloaded page gets its `csrf_token` here.',
        querystring: noQuery,
        response: { 200: responseOf(sessionSchema) },
      },
    },
    async (request) => present(authContextOf(request), authContextOf(request).session),
  )

  app.delete(
    path,
    {
      config: { access: 'session', audited: 'session.end', responseHeaders: ['Set-Cookie'] },
      schema: {
        tags,
        operationId: 'session.end',
        summary: 'End the session',
        description: 'Ends the cookie’s session and removes the cookie. `ended` is false if there was none.',
        querystring: noQuery,
        response: { 200: responseOf(sessionEnded) },
      },
    },
    async (request, reply) => {
      refuseBody(request.body)
      // A request authenticated by a header does not end the cookie's session.
      const ended = authContextOf(request).session !== undefined && (await sessions.end(request))
      if (ended) reply.header('set-cookie', clearSessionCookie(sessions.ours))
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

const present = ({ principal }: AuthContext, session?: SessionContext) => ({
  success: true as const,
  // The gate admits no other principal.
  principal: principal.kind as z.infer<typeof sessionSchema>['principal'],
  tenant_id: principal.kind === 'tenant' ? principal.tenantId : null,
  scopes: principal.kind === 'tenant' ? [...principal.scopes] : [...scopes],
  actor: principalName(principal),
  csrf_token: session?.csrf ?? null,
  expires_at: session?.expiresAt.toISOString() ?? null,
})
