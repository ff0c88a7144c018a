/** The public keys of the identity provider: from the configured address alone, kept, and asked for again seldom. */
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import { Agent, type Dispatcher, fetch } from 'undici'
import type { Clock } from '../lib/clock.ts'
import { AppError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Egress } from '../lib/proxy.ts'

/** A key that the provider takes back is refused after so long. */
const freshForMs = 5 * 60_000
/** While the provider is away its last keys count for so long. */
const keptForMs = 60 * 60_000
/** Not sooner again, whatever comes: a stranger's tokens must not make us call. */
const notAgainForMs = 10_000
const withinMs = 4_000
const mostBytes = 256 * 1024

/** @param url from the configuration; no token names another */
export async function fetchKeys(url: string, dispatcher?: Dispatcher): Promise<JWTVerifyGetKey> {
  const answer = await fetch(url, {
    ...(dispatcher ? { dispatcher } : {}),
    redirect: 'error',
    signal: AbortSignal.timeout(withinMs),
    headers: { accept: 'application/json' },
  })
  if (!answer.ok || !answer.body) {
    await answer.body?.cancel()
    throw new Error(`the provider answered ${answer.status}`)
  }
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of answer.body) {
    bytes += chunk.length
    if (bytes > mostBytes) throw new Error(`the provider answered more than ${mostBytes} bytes`)
    chunks.push(chunk)
  }
  const set = JSON.parse(Buffer.concat(chunks).toString('utf8')) as JSONWebKeySet
  const find = createLocalJWKSet(set)
  if (set.keys.length === 0) throw new Error('the provider answered no keys')
  return find
}

export interface ProviderKeys {
  /**
   * The key for a token's header, among the provider's. Throws jose's error when there is none, and AppError unavailable when that
   * cannot be known: the provider is away.
   */
  find: JWTVerifyGetKey
  /** Its own connections; a call under way fails. */
  close(): Promise<void>
}

export function createProviderKeys(
  url: string,
  clock: Clock,
  log: Log,
  egress?: Egress | undefined,
): ProviderKeys {
  const dispatcher = egress && new Agent({ connect: egress.connector(withinMs) })
  let kept: { find: JWTVerifyGetKey; at: number } | undefined
  let asking: Promise<void> | undefined
  let askedAt = Number.NEGATIVE_INFINITY
  let failed = false
  const since = (at: number) => clock.monotonic() - at

  /** One call at a time, for all who wait. */
  async function ask(): Promise<void> {
    if (asking) return await asking
    if (since(askedAt) < notAgainForMs) return
    askedAt = clock.monotonic()
    asking = fetchKeys(url, dispatcher)
      .then((find) => {
        kept = { find, at: clock.monotonic() }
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

  const away = () =>
    new AppError('unavailable', 'The identity provider cannot be reached', {
      retryAfter: Math.max(1, Math.ceil((notAgainForMs - since(askedAt)) / 1_000)),
    })
  const usable = () => (kept && since(kept.at) < keptForMs ? kept.find : undefined)

  const find: JWTVerifyGetKey = async (header, token) => {
    if (!kept || since(kept.at) >= freshForMs) {
      const asked = ask()
      // Once it has failed, nobody waits for a provider whose last keys still count.
      if (!usable() || !failed) await asked
    }
    const known = usable()
    if (!known) throw away()
    try {
      return await known(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
    }
    // It may be signed with a new key.
    await ask()
    if (failed) throw away()
    return await (usable() ?? known)(header, token)
  }
  return { find, close: async () => await dispatcher?.destroy() }
}
