/** Routes for a browser that returns from HubSpot: the callback and the confirmation page. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { sendHtmlPage } from '../../api/html-page.ts'
import { noQuery } from '../../api/wire.ts'
import { connectErrors } from '../../hubspot/as-app-error.ts'
import { AppError } from '../../lib/errors.ts'
import { Secret } from '../../lib/secret.ts'
import type { IntegrationRouteDependencies } from '../routes.ts'
import { callbackQuery, confirmBody, confirmParams } from '../schema.ts'
import { invalidState, tenantOfAuthorization } from './authorize.ts'
import {
  type ConfirmationClaim,
  type ConfirmDependencies,
  cancelConfirmation,
  confirmConnection,
  readConfirmationQuestion,
  requestConfirmation,
  tenantOfConfirmation,
} from './confirm.ts'
import { clearConfirmCookie, confirmationClaimOf, confirmCookie, confirmPath } from './confirm-cookie.ts'
import { cancelledPage, confirmPage } from './confirm-page.ts'
import { failedPage } from './connected-page.ts'

export interface ConfirmRouteDependencies
  extends ConfirmDependencies,
    Pick<IntegrationRouteDependencies, 'wake'> {
  /** The URL at which browsers reach us. */
  publicUrl: string
}

const tags = ['integrations']
const config = { access: 'public', errorPage: failedPage } as const
const page = { sends: ['text/html', 'The page'], redirects: 'To the page at the end' } as const

/** @param instance accepts only form bodies */
export function confirmRoutes(instance: FastifyInstance, deps: ConfirmRouteDependencies): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const ownOrigin = new URL(deps.publicUrl).origin
  const secure = [deps.publicUrl, deps.app?.redirectUri].some((url) => url?.startsWith('https:'))
  const claimIn = ({ headers }: FastifyRequest, confirmationId: string) =>
    confirmationClaimOf(confirmationId, headers.cookie, secure)

  // HubSpot redirects the browser here. The single-use state is the credential, and the redirect
  // removes the code from the address bar.
  app.get(
    '/api/hubspot/oauth/callback',
    {
      config: {
        ...config,
        errors: ['invalid_state', 'oauth_denied', 'oauth_code_rejected', 'hub_changed', ...connectErrors],
        redirects: 'To the page that shows the account',
        responseHeaders: ['Set-Cookie'],
        audited: 'oauth.browserCallback',
        // Only a request with a pending state has an effect here and gets an audit row.
        auditedFor: async ({ query }) => {
          const tenantId = await tenantOfAuthorization(deps, (query as { state?: string }).state)
          return tenantId && { actor: 'browser', tenantId }
        },
      },
      // A HEAD request, such as a link preview, must not consume the state.
      exposeHeadRoute: false,
      schema: {
        tags,
        operationId: 'oauth.browserCallback',
        summary: 'Receive the browser from HubSpot',
        description:
          'Needs no credential: the single-use state is one. It connects nothing yet, but leads to a page that shows the account. An error is a page for a browser, and the usual object for others.',
        querystring: callbackQuery,
      },
    },
    async (request, reply) => {
      const { code, state, error } = request.query
      if (error !== undefined) {
        throw new AppError('oauth_denied', 'HubSpot did not grant access; the user may have declined')
      }
      if (!code || !state)
        throw new AppError(
          'invalid_state',
          'The code or the state is missing; HubSpot sends both to this page',
        )
      const claim = await requestConfirmation(deps, { state, code: new Secret(code) })
      reply.header('set-cookie', confirmCookie(claim, secure))
      return await reply.redirect(confirmPath(claim.confirmationId), 303)
    },
  )

  app.get(
    '/connect/:confirmation_id',
    {
      config: { ...config, ...page, errors: ['invalid_state'] },
      schema: {
        tags,
        operationId: 'oauth.confirmPage',
        summary: 'Show the page that asks whether to connect the account',
        description:
          'For the browser that came back from HubSpot, for ten minutes. Shows the account, its user and scopes, and the tenant. Leads on if the account is already connected.',
        params: confirmParams,
        querystring: noQuery,
      },
    },
    async (request, reply) => {
      const { confirmation_id: id } = request.params
      const claim = presented(claimIn(request, id))
      const question = await readConfirmationQuestion(deps, claim)
      // The person reloaded the page or returned to it after pressing the button.
      if (question.confirmed) return await reply.redirect(connected(question.account.hub_id), 303)
      return sendHtmlPage(reply, 200, confirmPage(question, claim.tenantId, id), true)
    },
  )

  app.post(
    '/connect/:confirmation_id',
    {
      config: {
        ...config,
        ...page,
        errors: ['invalid_state', 'forged_request', 'hub_changed', 'tenant_erasing', ...connectErrors],
        responseHeaders: ['Set-Cookie'],
        audited: ({ body }) =>
          (body as { decision?: string } | undefined)?.decision === 'cancel'
            ? 'oauth.cancel'
            : 'oauth.confirm',
        // Only the browser that was asked gets an audit row.
        auditedFor: async (request) => {
          const { confirmation_id: id } = request.params as { confirmation_id: string }
          const claim = claimIn(request, id)
          const tenantId = claim && (await tenantOfConfirmation(deps, claim))
          return tenantId && { actor: 'browser', tenantId }
        },
      },
      schema: {
        tags,
        operationId: 'oauth.confirm',
        summary: 'Confirm or cancel connecting the account',
        description:
          'The two buttons of the page; accepted only from that page. Connect leads on, also when it is sent twice; Cancel deletes the grant and revokes it at HubSpot.',
        consumes: ['application/x-www-form-urlencoded'],
        params: confirmParams,
        querystring: noQuery,
        body: confirmBody,
      },
    },
    async (request, reply) => {
      refuseCrossSite(request, ownOrigin)
      const { confirmation_id: id } = request.params
      const claim = presented(claimIn(request, id))
      if (request.body.decision === 'cancel') {
        const { cancelled, hubId } = await cancelConfirmation(deps, claim)
        if (!cancelled) return await reply.redirect(connected(hubId), 303)
        reply.header('set-cookie', clearConfirmCookie(id, secure))
        return sendHtmlPage(reply, 200, cancelledPage())
      }
      // The cookie stays for a second press; its confirmation no longer has tokens.
      const { hubId, integrationId } = await confirmConnection(deps, claim)
      if (integrationId) deps.wake()
      return await reply.redirect(connected(hubId), 303)
    },
  )
}

const connected = (hubId: number) => `/connected?hub_id=${hubId}`

function presented(claim: ConfirmationClaim | undefined): ConfirmationClaim {
  if (!claim) throw invalidState()
  return claim
}

/**
 * Refuses forms sent by other sites. The browser reports the form's origin in Sec-Fetch-Site; only
 * for a browser too old to send that header is Origin checked.
 */
function refuseCrossSite({ headers }: FastifyRequest, ownOrigin: string): void {
  const site = headers['sec-fetch-site']
  if (site === undefined ? headers.origin === ownOrigin : site === 'same-origin') return
  throw new AppError('forged_request', 'The form was not submitted from a page of this service')
}
