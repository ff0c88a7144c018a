/**
 * HubSpot's webhooks journal: changes in the accounts of our app, written to files that we fetch in
 * order. HubSpot retains the files for three days, and counts these calls against no account's
 * limits.
 */
import { z } from 'zod'
import type { Clock } from '../lib/clock.ts'
import { Secret } from '../lib/secret.ts'
import { type AppToken, requestAppToken } from './app-token.ts'
import type { Credentials, HubSpot, HubSpotCall, RetryLimits } from './client/client.ts'
import { uninstalledType } from './events/journal-event.ts'
import { HubSpotError } from './hubspot-error.ts'
import { parseResponse } from './parse-response.ts'
import { ticketTypeId } from './record-ids.ts'
import { paths } from './versions.ts'

/** A file that can be fetched. HubSpot issues a new address on each request. */
export interface JournalFile {
  offset: string
  address: Secret
}

export interface Journal {
  /**
   * The file after an offset, or the earliest that HubSpot has.
   *
   * @returns undefined when there is none yet
   * @throws HubSpotError not_found when HubSpot no longer has the offset
   */
  next(after: string | undefined, signal: AbortSignal): Promise<JournalFile | undefined>
  /** The file's content, as JSON. */
  read(file: JournalFile, signal: AbortSignal): Promise<unknown>
  /**
   * Subscribes to ticket changes of an account. A repeated call replaces the earlier subscription.
   *
   * @returns the subscription types, besides the tickets' own, that HubSpot refuses
   */
  subscribe(hubId: number, properties: readonly string[], signal: AbortSignal): Promise<string[]>
  /** Subscribes to notifications that an account uninstalled our app. */
  subscribeToUninstalls(signal: AbortSignal): Promise<void>
  /** Ends the subscriptions of an account that no tenant uses any more. */
  unsubscribe(hubId: number, signal: AbortSignal): Promise<void>
}

/** HubSpot's documents use the first set of scope names, its specification the second. */
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

/** A token is replaced this long before it expires, ms. */
const marginMs = 60_000

const fetched = z.object({ currentOffset: z.string().min(1).max(200), url: z.string().min(1) })

/** Contacts, companies and deals: the kinds whose associations are stored. */
const associatedTypeIds = ['0-1', '0-2', '0-3'] as const

export function createJournal(deps: {
  hubspot: HubSpot
  app: Credentials
  retryLimits: RetryLimits
  clock: Clock
}): Journal {
  const { hubspot, app, retryLimits, clock } = deps
  let cachedToken: { token: AppToken['token']; until: number } | undefined
  let naming = 0

  async function requestToken(signal: AbortSignal): Promise<AppToken> {
    const request = (at: number) =>
      requestAppToken(hubspot, app, namings[at] ?? namings[0], { retryLimits, signal })
    try {
      return await request(naming)
    } catch (error) {
      // HubSpot accepted our id and secret but not the scope names: it may know them by the other
      // set.
      const unnamed = error instanceof HubSpotError && error.kind === 'misconfigured' && !error.clientRefused
      if (!unnamed) throw error
      const other = 1 - naming
      const found = await request(other)
      naming = other
      return found
    }
  }

  async function tokenNow(signal: AbortSignal): Promise<Secret> {
    if (!cachedToken || clock.monotonic() >= cachedToken.until) {
      const { token, expiresInMs } = await requestToken(signal)
      cachedToken = { token, until: clock.monotonic() + Math.max(expiresInMs - marginMs, expiresInMs / 2) }
    }
    return cachedToken.token
  }

  async function call(
    what: Pick<HubSpotCall, 'endpoint' | 'method' | 'path' | 'json' | 'bodyless'>,
    signal: AbortSignal,
  ) {
    const made = async () => hubspot.call({ ...what, token: await tokenNow(signal), retryLimits, signal })
    try {
      return await made()
    } catch (error) {
      if (!(error instanceof HubSpotError && error.kind === 'unauthorized')) throw error
      cachedToken = undefined
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
      const { currentOffset, url } = parseResponse(endpoint, fetched, answer)
      return { offset: currentOffset, address: new Secret(url) }
    },

    async read({ address }, signal) {
      const { body } = await hubspot.call({
        endpoint: 'journal file',
        method: 'GET',
        path: address,
        retryLimits,
        signal,
      })
      return body
    },

    async subscribe(hubId, properties, signal) {
      const about = { portalId: hubId, objectTypeId: ticketTypeId }
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

    async unsubscribe(hubId, signal) {
      const path = `${paths.journalSubscriptions}/portals/${hubId}`
      try {
        await call({ endpoint: 'journal subscriptions', method: 'DELETE', path, bodyless: true }, signal)
      } catch (error) {
        // A refusal means that the account no longer has our app, so its subscriptions have ended.
        if (!isRefusal(error)) throw error
      }
    },
  }
}

/** Whether HubSpot refused only this one request. Faults of the app itself have other kinds. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof HubSpotError && ['rejected', 'forbidden', 'not_found'].includes(error.kind)
