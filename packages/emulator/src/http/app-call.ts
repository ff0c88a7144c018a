// Calls that an app makes for itself: with a token of client_credentials, or with its developer key.
import { type AppToken, type JournalScope, journalScope } from '../app-tokens.ts'
import type { App } from '../token-types.ts'
import { bearer, type Call } from './call.ts'
import { credentialsNotFound, missingScopes, type Reply, tokenExpired } from './reply.ts'

export type AppCall = Call & { app: App }
type Handle = (call: AppCall) => Reply

/** A call to the journal, for the app whose token it carries, when that token has the scope. No limit counts such calls. */
export function asReader(what: JournalScope, handle: Handle): (call: Call) => Reply {
  return (call) => {
    const held = tokenOf(call)
    const scope = journalScope(call.world.quirks, what)
    const refused = refusal(call, held, scope)
    if (refused) return refused
    if (!call.world.quirks.journal_available) return missingScopes([scope], call.world.quirks.missing_scopes)
    return handle({ ...call, app: (held as AppToken).app })
  }
}

function tokenOf(call: Call): AppToken | null {
  return call.world.tokens.ofApps.get(bearer(call.headers) ?? '')
}

function refusal(call: Call, held: AppToken | null, scope: string): Reply | null {
  const now = call.world.clock.now()
  if (!held) return credentialsNotFound()
  if (held.expires_at <= now) return tokenExpired(held.expires_at, now)
  return held.scopes.includes(scope) ? null : missingScopes([scope], call.world.quirks.missing_scopes)
}

/**
 * Serves the call for the app that the path names, for who has its developer key in the query or a token of it with the
 * scope. HubSpot's own documents name one and the other: a switch.
 */
export function asDeveloper(scope: string, handle: Handle): (call: Call) => Reply {
  return (call) => {
    const { world, params, query } = call
    const { webhook_api_auth: way } = world.quirks
    const app = [...world.tokens.apps.values()].find((one) => String(one.app_id) === params.appId)
    const key = query.get('hapikey')
    if (key !== null && way !== 'scopes')
      return app && world.webhooks.subscriptions.of(app).hapikey === key
        ? handle({ ...call, app })
        : credentialsNotFound()
    const held = way === 'hapikey' ? null : tokenOf(call)
    if (!app || held?.app !== app) return credentialsNotFound()
    return refusal(call, held, scope) ?? handle({ ...call, app })
  }
}
