/**
 * HubSpot's webhooks journal: what happens in the accounts of our app, written to files that we fetch in their order. HubSpot keeps
 * them for three days, and counts these calls to no account's limits.
 */
import { z } from 'zod'
import type { Clock } from '../lib/clock.ts'
import { Secret } from '../lib/secret.ts'
import { type AppToken, askAppToken } from './app-token.ts'
import type { Call, Credentials, HubSpot, Patience } from './client/client.ts'
import { uninstalledType } from './events/journal-event.ts'
import { HubSpotError } from './hubspot-error.ts'
import { readAs } from './read-as.ts'
import { ticketTypeId } from './record-ids.ts'
import { paths } from './versions.ts'

/** A file that is there to be fetched. Where it lies is told anew each time that it is asked for. */
export interface JournalFile {
  offset: string
  address: Secret
}

export interface Journal {
  /**
   * The file that comes after an offset, or the earliest that HubSpot has.
   *
   * @returns undefined when there is none yet
   * @throws HubSpotError not_found when the offset is no more
   */
  next(after: string | undefined, signal: AbortSignal): Promise<JournalFile | undefined>
  /** What stands in the file, as JSON. */
  read(file: JournalFile, signal: AbortSignal): Promise<unknown>
  /**
   * Asks for what happens to the tickets of an account. Asked again it takes the place of what was asked for before.
   *
   * @returns the kinds besides the tickets' own that HubSpot refuses to tell of
   */
  subscribe(portalId: number, properties: readonly string[], signal: AbortSignal): Promise<string[]>
  /** Asks to be told when an account uninstalls our app. */
  subscribeToUninstalls(signal: AbortSignal): Promise<void>
  /** Of an account that is nobody's any more. */
  unsubscribe(portalId: number, signal: AbortSignal): Promise<void>
}

/** HubSpot's documents name the scopes in the first way, its specification in the second. */
const namings = [
  [
    'developer.webhooks_journal.read',
    'developer.webhooks_journal.subscriptions.read',
    'developer.webhooks_journal.subscriptions.write',
  ],
  [
    'webhooks-journal-data-access',
    'webhooks-journal-subscription-read',
    'webhooks-journal-subscription-management',
  ],
] as const

/** A token that lives no longer than this is not used any more, ms. */
const marginMs = 60_000

const fetched = z.object({ currentOffset: z.string().min(1).max(200), url: z.string().min(1) })

/** Contacts, companies and deals: the associations that are kept. */
const associatedTypeIds = ['0-1', '0-2', '0-3'] as const

export function createJournal(parts: {
  hubspot: HubSpot
  app: Credentials
  patience: Patience
  clock: Clock
}): Journal {
  const { hubspot, app, patience, clock } = parts
  let held: { token: AppToken['token']; until: number } | undefined
  let naming = 0

  async function askToken(signal: AbortSignal): Promise<AppToken> {
    const ask = (at: number) => askAppToken(hubspot, app, namings[at] ?? namings[0], { patience, signal })
    try {
      return await ask(naming)
    } catch (error) {
      // Our id and secret were taken, the names of the scopes were not: then HubSpot may know them by the others.
      const unnamed = error instanceof HubSpotError && error.kind === 'misconfigured' && !error.clientRefused
      if (!unnamed) throw error
      const other = 1 - naming
      const found = await ask(other)
      naming = other
      return found
    }
  }

  async function tokenNow(signal: AbortSignal): Promise<Secret> {
    if (!held || clock.monotonic() >= held.until) {
      const { token, expiresInMs } = await askToken(signal)
      held = { token, until: clock.monotonic() + Math.max(expiresInMs - marginMs, expiresInMs / 2) }
    }
    return held.token
  }

  async function call(
    what: Pick<Call, 'endpoint' | 'method' | 'path' | 'json' | 'bodyless'>,
    signal: AbortSignal,
  ) {
    const made = async () => hubspot.call({ ...what, token: await tokenNow(signal), patience, signal })
    try {
      return await made()
    } catch (error) {
      if (!(error instanceof HubSpotError && error.kind === 'unauthorized')) throw error
      held = undefined
      return await made()
    }
  }

  const subscribeTo = async (json: object, signal: AbortSignal): Promise<void> => {
    const path = paths.journalSubscriptions
    await call({ endpoint: 'journal subscriptions', method: 'POST', path, json, bodyless: true }, signal)
  }

  return {
    async next(after, signal) {
      const place = after === undefined ? 'earliest' : `offset/${encodeURIComponent(after)}/next`
      const endpoint = 'journal'
      const answer = await call({ endpoint, method: 'GET', path: `${paths.journal}/${place}` }, signal)
      if (answer.status === 204) return undefined
      const { currentOffset, url } = readAs(endpoint, fetched, answer)
      return { offset: currentOffset, address: new Secret(url) }
    },

    async read({ address }, signal) {
      const { body } = await hubspot.call({
        endpoint: 'journal file',
        method: 'GET',
        path: address,
        patience,
        signal,
      })
      return body
    },

    async subscribe(portalId, properties, signal) {
      const about = { portalId, objectTypeId: ticketTypeId }
      await subscribeTo(
        {
          subscriptionType: 'OBJECT',
          ...about,
          actions: ['CREATE', 'UPDATE', 'DELETE', 'MERGE', 'RESTORE'],
          properties,
          objectIds: [],
        },
        signal,
      )
      const others = [
        {
          subscriptionType: 'ASSOCIATION',
          ...about,
          actions: ['ASSOCIATION_ADDED', 'ASSOCIATION_REMOVED'],
          associatedObjectTypeIds: associatedTypeIds,
          objectIds: [],
        },
        { subscriptionType: 'GDPR_PRIVACY_DELETION', ...about, actions: ['GDPR_DELETE'] },
      ]
      const refused: string[] = []
      for (const other of others)
        await subscribeTo(other, signal).catch((error: unknown) => {
          if (!isRefusal(error)) throw error
          refused.push(other.subscriptionType)
        })
      return refused
    },

    async subscribeToUninstalls(signal) {
      await subscribeTo(
        { subscriptionType: 'APP_LIFECYCLE_EVENT', eventTypeId: uninstalledType, properties: [] },
        signal,
      )
    },

    async unsubscribe(portalId, signal) {
      const path = `${paths.journalSubscriptions}/portals/${portalId}`
      try {
        await call({ endpoint: 'journal subscriptions', method: 'DELETE', path, bodyless: true }, signal)
      } catch (error) {
        // What HubSpot does not let us end of an account that has our app no more is ended.
        if (!isRefusal(error)) throw error
      }
    },
  }
}

/** HubSpot answers that it does not take this one thing: of our app itself it says nothing so. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof HubSpotError && ['rejected', 'forbidden', 'not_found'].includes(error.kind)
