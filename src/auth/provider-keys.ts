/** Caches the identity provider's public keys, fetched only from the configured address. */
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import { Agent, type Dispatcher, fetch } from 'undici'
import type { Clock } from '../lib/clock.ts'
import { AppError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Egress } from '../lib/proxy.ts'

/** A key that the provider withdraws is refused after this long. */
const freshForMs = 5 * 60_000
/** How long the last keys stay valid while the provider is unavailable. */
const usableForMs = 60 * 60_000
/** Shortest time between two calls: tokens of unauthenticated callers must not trigger more. */
const minIntervalMs = 10_000
const timeoutMs = 4_000
const maxBytes = 256 * 1024

/** @param url from the configuration; a token cannot name another */
export async function fetchProviderKeys(url: string, dispatcher?: Dispatcher): Promise<JWTVerifyGetKey> {
  const answer = await fetch(url, {
    ...(dispatcher ? { dispatcher } : {}),
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
    headers: { accept: 'application/json' },
  })
  if (!answer.ok || !answer.body) {
    await answer.body?.cancel()
    throw new Error(`the identity provider returned status ${answer.status}`)
  }
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of answer.body) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new Error(`the identity provider returned more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  const set = JSON.parse(Buffer.concat(chunks).toString('utf8')) as JSONWebKeySet
  const find = createLocalJWKSet(set)
  if (set.keys.length === 0) throw new Error('the identity provider returned no keys')
  return find
}

export interface ProviderKeys {
  /**
   * Finds the provider's key for a token's header. Throws jose's error when there is none, and
   * AppError unavailable when the provider cannot be reached to check.
   */
  find: JWTVerifyGetKey
  /** Closes its own connections; a running call fails. */
  close(): Promise<void>
}

export function createProviderKeys(
  url: string,
  clock: Clock,
  log: Log,
  egress?: Egress | undefined,
): ProviderKeys {
  const dispatcher = egress && new Agent({ connect: egress.connector(timeoutMs) })
  let cached: { find: JWTVerifyGetKey; at: number } | undefined
  let asking: Promise<void> | undefined
  let refreshedAt = Number.NEGATIVE_INFINITY
  let failed = false
  const since = (at: number) => clock.monotonic() - at

  /** Makes one call at a time, shared by all callers. */
  async function refresh(): Promise<void> {
    if (asking) return await asking
    if (since(refreshedAt) < minIntervalMs) return
    refreshedAt = clock.monotonic()
    asking = fetchProviderKeys(url, dispatcher)
      .then((find) => {
        cached = { find, at: clock.monotonic() }
        failed = false
      })
      .catch((err: unknown) => {
        failed = true
        log.warn({ err }, 'the keys of the identity provider could not be read')
      })
      .finally(() => {
        asking = undefined
      })
    await asking
  }

  const unavailable = () =>
    new AppError('unavailable', 'The identity provider cannot be reached', {
      retryAfter: Math.max(1, Math.ceil((minIntervalMs - since(refreshedAt)) / 1_000)),
    })
  const usable = () => (cached && since(cached.at) < usableForMs ? cached.find : undefined)

  const find: JWTVerifyGetKey = async (header, token) => {
    if (!cached || since(cached.at) >= freshForMs) {
      const request = refresh()
      // After a failed call nobody waits for the provider while its last keys are still valid.
      if (!usable() || !failed) await request
    }
    const known = usable()
    if (!known) throw unavailable()
    try {
      return await known(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
    }
    // The token may be signed with a new key.
    await refresh()
    if (failed) throw unavailable()
    return await (usable() ?? known)(header, token)
  }
  return { find, close: async () => await dispatcher?.destroy() }
}
