// The authorize page: a person picks an account and connects or denies; `auto` does it without a person.
import type { Call } from '../http/call.ts'
import type { Reply } from '../http/reply.ts'
import type { Portal } from '../portals.ts'
import type { App } from '../token-types.ts'
import { consentPage, errorPage } from './authorize-page.ts'

export function authorize(call: Call): Reply {
  const { query, world } = call
  const app = world.tokens.apps.get(query.get('client_id') ?? '')
  // Neither of these may redirect: who asks is not known.
  if (!app) return errorPage('This app is not known', 'The client_id is missing or unknown.')
  const redirect = query.get('redirect_uri') ?? ''
  if (!app.redirect_uris.includes(redirect) || !allowedRedirect(redirect)) {
    return errorPage(
      'Authorization failed because the redirect URL doesn’t match',
      'The redirect_uri must be exactly one of the URLs registered for the app, and https except for localhost.',
    )
  }
  const scopes = wordsOf(query.get('scope'))
  const wrong = scopeFault(app, scopes)
  if (wrong) return errorPage('Authorization failed because there is a scope mismatch', wrong)

  const fixed = call.params.hubId
  const choices = [...world.portals.values()].filter(
    (one) => !one.deleted && (!fixed || String(one.portal_id) === fixed),
  )
  if (fixed && choices.length === 0)
    return errorPage('You don’t have access to this account', `There is no account ${fixed}.`)

  const auto = query.get('auto')
  if (auto === 'deny') {
    return redirectTo(redirect, {
      error: 'access_denied',
      error_description: 'The user denied access to the account',
      state: query.get('state'),
    })
  }
  if (auto !== null) {
    const wanted = query.get('portal_id')
    const portal = wanted ? choices.find((one) => String(one.portal_id) === wanted) : choices[0]
    if (!portal) return errorPage('You don’t have access to this account', 'There is no such account.')
    return connect(call, app, portal, redirect, scopes)
  }
  return consentPage(
    call,
    app,
    choices,
    [...new Set(['oauth', ...scopes])],
    wordsOf(query.get('optional_scope')),
  )
}

function connect(call: Call, app: App, portal: Portal, redirect: string, scopes: string[]): Reply {
  const { query, world } = call
  const optional = wordsOf(query.get('optional_scope') ?? query.get('optional_scopes'))
  const user = Number(query.get('user_id'))
  const code = world.tokens.addCode(
    {
      app,
      portal_id: portal.portal_id,
      user_id: Number.isSafeInteger(user) && user > 0 ? user : portal.user_id,
      redirect_uri: redirect,
      scopes: [...new Set(['oauth', ...scopes, ...optional])],
      challenge: query.get('code_challenge'),
      challenge_method: query.get('code_challenge_method') ?? 'plain',
    },
    portal.hublet,
  )
  return redirectTo(redirect, { code: code.code, state: query.get('state') })
}

// Everything the app requires must be asked for. What else may be asked is checked when the app lists its optional ones.
function scopeFault(app: App, scopes: readonly string[]): string | null {
  const missing = app.required_scopes.filter((one) => one !== 'oauth' && !scopes.includes(one))
  if (scopes.length === 0) return 'The scope parameter is missing.'
  if (missing.length > 0) return `The install URL lacks scopes that the app requires: ${missing.join(', ')}`
  const known = app.optional_scopes ? [...app.required_scopes, ...app.optional_scopes, 'oauth'] : null
  const extra = known ? scopes.filter((one) => !known.includes(one)) : []
  return extra.length > 0
    ? `The install URL asks for scopes that the app does not list: ${extra.join(', ')}`
    : null
}

function allowedRedirect(redirect: string): boolean {
  return /^https:\/\//.test(redirect) || /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])([:/?]|$)/.test(redirect)
}

function wordsOf(text: string | null): string[] {
  return (text ?? '').split(/[\s+]+/).filter((one) => one !== '')
}

function redirectTo(redirect: string, params: Record<string, string | null>): Reply {
  const url = new URL(redirect)
  for (const [name, value] of Object.entries(params)) if (value !== null) url.searchParams.set(name, value)
  return { status: 302, headers: { location: url.toString() } }
}
