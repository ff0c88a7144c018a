// Tokens of an app itself, by client_credentials: for the journal and the app's own settings, for no account's data.
import type { Clock } from './clock.ts'
import type { Quirks } from './quirks.ts'
import { opaque } from './random.ts'
import type { App } from './token-types.ts'

export type AppToken = { token: string; app: App; scopes: string[]; expires_at: number }
export type AppTokens = ReturnType<typeof createAppTokens>

// HubSpot's documents name the journal's scopes one way and its specification another.
const JOURNAL_SCOPES = {
  developer: {
    read: 'developer.webhooks_journal.read',
    subscriptions_read: 'developer.webhooks_journal.subscriptions.read',
    subscriptions_write: 'developer.webhooks_journal.subscriptions.write',
    snapshots_read: 'developer.webhooks_journal.snapshots.read',
    snapshots_write: 'developer.webhooks_journal.snapshots.write',
  },
  spec: {
    read: 'webhooks-journal-data-access',
    subscriptions_read: 'webhooks-journal-subscription-read',
    subscriptions_write: 'webhooks-journal-subscription-management',
    snapshots_read: 'webhooks-journal-snapshot-management',
    snapshots_write: 'webhooks-journal-snapshot-management',
  },
} as const

export type JournalScope = keyof (typeof JOURNAL_SCOPES)['spec']
export const DEVELOPER_SCOPES = ['developers-read', 'developers-write'] as const

/** The name of a scope under the naming that is in use. */
export function journalScope(quirks: Quirks, what: JournalScope): string {
  return JOURNAL_SCOPES[quirks.journal_scopes][what]
}

/** What of these scopes no app can have for itself. */
export function unknownScopes(quirks: Quirks, app: App, scopes: readonly string[]): string[] {
  // The journal was a beta that an app had to be let into; whether it still is, is a switch.
  const known = [
    ...(quirks.journal_available ? Object.values(JOURNAL_SCOPES[quirks.journal_scopes]) : []),
    ...DEVELOPER_SCOPES,
    ...app.required_scopes,
    ...(app.optional_scopes ?? []),
  ]
  return scopes.filter((one) => !known.includes(one))
}

/** The tokens that apps hold now. */
export function createAppTokens(clock: Clock, quirks: Quirks) {
  const tokens = new Map<string, AppToken>()
  return {
    mint(app: App, scopes: string[]): AppToken {
      const now = clock.now()
      // A day after their end nobody needs to hear any more that they expired.
      for (const [key, one] of tokens) if (one.expires_at <= now - 86_400_000) tokens.delete(key)
      const made = {
        token: `C${opaque(160)}`,
        app,
        scopes,
        expires_at: now + quirks.access_token_ttl_s * 1000,
      }
      tokens.set(made.token, made)
      return made
    },
    get: (token: string) => tokens.get(token) ?? null,
    clear: () => tokens.clear(),
  }
}
