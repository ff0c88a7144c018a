/** Faults in OAuth and in calls to HubSpot. */
import type { Fault } from '../fault.ts'

const states = 'test/integrations/oauth/oauth-state.test.ts'

export const oauth: Fault[] = [
  {
    name: 'state-accepted-twice',
    in: 'takeAuthorization',
    find: `    delete from authorizations
    where tenant_id = \${scope.tenantId} and state_hash = \${stateHash}
      and integration_id = \${integrationId} and expires_at > now()
    returning code_verifier, requested_by`,
    put: `    select code_verifier, requested_by from authorizations
    where tenant_id = \${scope.tenantId} and state_hash = \${stateHash}
      and integration_id = \${integrationId} and expires_at > now()`,
    test: states,
    gain: 'an intercepted callback is replayed with another account’s code',
  },
  {
    name: 'state-without-expiry',
    in: 'takeAuthorization',
    find: `      and integration_id = \${integrationId} and expires_at > now()
    returning`,
    put: `      and integration_id = \${integrationId}
    returning`,
    test: states,
    gain: 'a link from an old email still connects an account',
  },
  {
    name: 'verifier-not-sent',
    in: 'redeemAuthorizationCode',
    find: 'exchangeOAuthCode(hubspot, app, answer.code, codeVerifier,',
    put: 'exchangeOAuthCode(hubspot, app, answer.code, undefined,',
    test: 'test/integrations/oauth/oauth.test.ts',
    gain: 'an intercepted code is enough to get a token',
  },
  {
    name: 'bare-state-from-a-browser',
    in: 'takeState',
    find: 'if (!read || (read.stateHash === undefined && !finisher)) throw invalidState()',
    put: 'if (!read) throw invalidState()',
    test: states,
    gain: 'a forged link with two known ids connects the attacker’s account to a tenant',
  },
  {
    name: 'bare-state-while-two-are-pending',
    in: 'takeOnlyAuthorization',
    find: 'and a.expires_at > now()) = 1',
    put: 'and a.expires_at > now()) > 0',
    test: states,
    gain: 'a callback completes an authorization that somebody else started',
  },
  {
    name: 'callback-of-a-foreign-tenant',
    in: 'integrationRoutes',
    find: 'if (tenantId && !mayAccessTenant(principal, tenantId)) throw invalidState()',
    put: '',
    test: 'test/http/access-matrix.test.ts',
    gain: 'a credential of one tenant completes an authorization of another',
  },
  {
    name: 'redirects-followed',
    find: `import { type Dispatcher, request } from 'undici'`,
    put: `import { type Dispatcher, interceptors, request as once } from 'undici'
const request = (url: URL, options: { dispatcher: Dispatcher } & Parameters<typeof once>[1]) =>
  once(url, { ...options, dispatcher: options.dispatcher.compose(interceptors.redirect({ maxRedirections: 3 })) })`,
    test: 'test/integrations/connect-refused.test.ts',
    only: 'a redirect is not followed',
    gain: 'one forged HubSpot response redirects a token to any address',
  },
  {
    name: 'paging-link-followed',
    in: 'sendHubSpotRequest',
    find: 'if (parsed === undefined && status !== 204 && !call.bodyless)',
    put: `const link = (parsed as { paging?: { next?: { link?: string } } } | undefined)?.paging?.next?.link
    if (link) await request(link, { dispatcher, headers, signal }).then(({ body }) => body.dump(), () => {})
    if (parsed === undefined && status !== 204 && !call.bodyless)`,
    test: 'test/hubspot/client.test.ts',
    only: 'an address in a body',
    gain: 'an address from a response body is called with the tenant’s token',
  },
]
