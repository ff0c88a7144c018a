/**
 * The configuration: the rules between the variables, the values that the rest of Spoke receives,
 * and the key file. Called once, in main.ts. Reports all faults at once, and prints no values. Over
 * 200 lines because an operator checks these together.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type Env, loopback, readVariables } from './environment.ts'
import { anybodyMayReplaceIn, makeFilePrivate } from './lib/private-directory.ts'
import type { KeyRing } from './lib/seal.ts'
import { Secret } from './lib/secret.ts'
import { parseWebhookSecret } from './lib/standard-webhooks.ts'

export type Config = ReturnType<typeof readConfig>

/** Thrown by readConfig. The message lists every fault, one per line, without values. */
export class ConfigError extends Error {
  override name = 'ConfigError' as const
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(`The configuration is invalid:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`)
    this.faults = faults
  }
}

/**
 * @param notice called with messages for the operator (such as a created key file)
 * @throws ConfigError
 */
export function readConfig(env: Env, notice: (line: string) => void = () => {}) {
  const faults: string[] = []
  const set = readVariables(env, faults)
  if (!set) throw new ConfigError(faults)
  const openMode = set.SPOKE_ADMIN_KEY === undefined
  const onLoopback = loopback.has(set.HOST)
  if (openMode && !onLoopback) {
    faults.push(
      'HOST is not loopback, so SPOKE_ADMIN_KEY must be set: without it, anyone could read every tenant',
    )
  }
  if (openMode && set.SPOKE_METRICS_KEY !== undefined)
    faults.push('SPOKE_METRICS_KEY needs SPOKE_ADMIN_KEY: without it, everything is open anyway')
  if (!openMode && set.SPOKE_METRICS_KEY === set.SPOKE_ADMIN_KEY)
    faults.push('SPOKE_METRICS_KEY must differ from SPOKE_ADMIN_KEY')
  if (set.SPOKE_MIGRATE_URL && !set.DATABASE_URL) faults.push('SPOKE_MIGRATE_URL needs DATABASE_URL')
  if (set.SPOKE_ROLE !== 'all' && !set.DATABASE_URL) {
    faults.push(
      `SPOKE_ROLE=${set.SPOKE_ROLE} needs DATABASE_URL: the embedded database supports only one process`,
    )
  }
  const oauthGiven = [set.HUBSPOT_CLIENT_ID, set.HUBSPOT_CLIENT_SECRET].filter(
    (part) => part !== undefined,
  ).length
  if (oauthGiven === 1) faults.push('HUBSPOT_CLIENT_ID and HUBSPOT_CLIENT_SECRET go together; one is missing')
  if (set.HUBSPOT_APP_ID !== undefined && oauthGiven === 0)
    faults.push('HUBSPOT_APP_ID needs HUBSPOT_CLIENT_SECRET: it verifies webhook signatures')
  if (set.SPOKE_JOURNAL === 'true' && oauthGiven === 0)
    faults.push(
      'SPOKE_JOURNAL needs HUBSPOT_CLIENT_ID and HUBSPOT_CLIENT_SECRET: HubSpot keeps the journal per app',
    )
  const provider = {
    SPOKE_JWT_ISSUER: set.SPOKE_JWT_ISSUER,
    SPOKE_JWT_AUDIENCE: set.SPOKE_JWT_AUDIENCE,
    SPOKE_JWT_JWKS_URL: set.SPOKE_JWT_JWKS_URL,
  }
  const missing = Object.entries(provider).flatMap(([name, value]) => (value === undefined ? [name] : []))
  if (missing.length > 0 && missing.length < 3)
    faults.push(`${Object.keys(provider).join(', ')} go together; missing: ${missing.join(', ')}`)
  if (missing.length < 3 && openMode)
    faults.push('SPOKE_JWT_… needs SPOKE_ADMIN_KEY: without it, no one is authenticated')
  const clientSecrets = secretsOf(set.HUBSPOT_CLIENT_SECRET)
  if (clientSecrets.length > 2 || clientSecrets.some((secret) => secret.reveal() === ''))
    faults.push('HUBSPOT_CLIENT_SECRET must be one secret, or two separated by a comma: new,old')
  const eventSecrets = secretsOf(set.SPOKE_EVENTS_SECRET).map((secret) => parseWebhookSecret(secret.reveal()))
  if ((set.SPOKE_EVENTS_URL === undefined) !== (set.SPOKE_EVENTS_SECRET === undefined))
    faults.push('SPOKE_EVENTS_URL and SPOKE_EVENTS_SECRET go together; one is missing')
  if (eventSecrets.length > 2 || eventSecrets.includes(undefined))
    faults.push(
      'SPOKE_EVENTS_SECRET must be whsec_ followed by 24 to 64 bytes in base64, or two of these: new,old',
    )
  if (set.SPOKE_KEEP_ARCHIVED !== undefined && set.SPOKE_KEEP_ARCHIVED < 2 * set.SPOKE_FULL_EVERY)
    faults.push('SPOKE_KEEP_ARCHIVED must be at least twice SPOKE_FULL_EVERY')
  const dataDir = resolve(set.SPOKE_DATA_DIR)
  const ring = parseKeyRing(set.SPOKE_ENCRYPTION_KEYS, faults)
  if (!set.SPOKE_ENCRYPTION_KEYS && (set.DATABASE_URL || !onLoopback)) {
    faults.push(
      'SPOKE_ENCRYPTION_KEYS must be set (kid:base64 of 32 random bytes): Spoke seals tokens with it',
    )
  }
  if (faults.length > 0) throw new ConfigError(faults)
  const publicUrl = set.SPOKE_PUBLIC_URL ?? `http://localhost:${set.PORT}`
  return Object.freeze({
    databaseUrl: set.DATABASE_URL,
    migrateUrl: set.SPOKE_MIGRATE_URL,
    dataDir,
    poolSize: set.SPOKE_DB_POOL,
    /** Whether long statements are prepared once per connection. */
    prepare: set.SPOKE_DB_PREPARE,
    /** How long a start waits for a database that is not up yet, ms. */
    databaseWaitMs: set.SPOKE_DB_WAIT,
    /**
     * The embedded database stops writing while less than this is free on its disk, bytes; 0: no
     * limit.
     */
    minFreeBytes: set.SPOKE_MIN_FREE_DISK,
    /** The process is killed when its event loop hangs for this long, ms; 0: never. */
    watchdogMs: set.SPOKE_WATCHDOG,
    host: set.HOST,
    port: set.PORT,
    publicUrl,
    role: set.SPOKE_ROLE,
    /** Absent: open mode, on loopback only. */
    adminKey: set.SPOKE_ADMIN_KEY === undefined ? undefined : new Secret(set.SPOKE_ADMIN_KEY),
    /** Grants access to /metrics and nothing else. */
    metricsKey: set.SPOKE_METRICS_KEY === undefined ? undefined : new Secret(set.SPOKE_METRICS_KEY),
    /** The operator's identity provider. Absent: JWTs are not accepted. */
    jwt:
      set.SPOKE_JWT_ISSUER && set.SPOKE_JWT_AUDIENCE && set.SPOKE_JWT_JWKS_URL
        ? Object.freeze({
            issuer: set.SPOKE_JWT_ISSUER,
            audience: set.SPOKE_JWT_AUDIENCE,
            jwksUrl: set.SPOKE_JWT_JWKS_URL,
            tenantClaim: set.SPOKE_JWT_TENANT_CLAIM,
            scopeClaim: set.SPOKE_JWT_SCOPE_CLAIM,
          })
        : undefined,
    /** Requests per minute, 0 for no limit. Open mode has no limits. */
    rates: Object.freeze({
      key: set.SPOKE_RATE_KEY,
      tenant: set.SPOKE_RATE_TENANT,
      address: set.SPOKE_RATE_ADDRESS,
      failed: set.SPOKE_RATE_FAILED,
    }),
    trustedProxies: Object.freeze(set.SPOKE_TRUSTED_PROXIES ?? []),
    load: Object.freeze({ requests: set.SPOKE_MAX_REQUESTS, streams: set.SPOKE_MAX_STREAMS }),
    keyRing: ring.length > 0 ? ring : localKeyRing(dataDir, notice),
    hubspot: Object.freeze({
      apiUrl: set.HUBSPOT_API_URL,
      authorizeUrl: set.HUBSPOT_AUTHORIZE_URL,
      /**
       * Total deadline of one call, and of all calls of one request together, ms. Includes the
       * body.
       */
      timeoutMs: set.HUBSPOT_TIMEOUT,
      app:
        set.HUBSPOT_CLIENT_ID && clientSecrets.length > 0
          ? Object.freeze({
              clientId: set.HUBSPOT_CLIENT_ID,
              /** Absent: webhooks are not accepted. */
              appId: set.HUBSPOT_APP_ID,
              clientSecrets: Object.freeze(clientSecrets),
              redirectUri: set.HUBSPOT_REDIRECT_URI ?? `${publicUrl}/api/hubspot/oauth/callback`,
              requiredScopes: Object.freeze(set.HUBSPOT_REQUIRED_SCOPES),
              optionalScopes: Object.freeze(
                (set.HUBSPOT_OPTIONAL_SCOPES ?? []).filter(
                  (scope) => !set.HUBSPOT_REQUIRED_SCOPES.includes(scope),
                ),
              ),
            })
          : undefined,
    }),
    /** Used for HubSpot, outgoing webhooks and the identity provider's keys. */
    proxies: Object.freeze({
      https: set.HTTPS_PROXY,
      http: set.HTTP_PROXY,
      except: Object.freeze(set.NO_PROXY ?? []),
    }),
    tokenCheckEveryMs: set.SPOKE_TOKEN_CHECK_EVERY,
    syncEveryMs: set.SPOKE_SYNC_EVERY,
    fullEveryMs: set.SPOKE_FULL_EVERY,
    /** Notifications from HubSpot within this time are processed together. */
    webhookWindowMs: set.SPOKE_WEBHOOK_WINDOW,
    /** Whether to read HubSpot's webhooks journal. */
    journal: set.SPOKE_JOURNAL === 'true',
    /** The product's own endpoint. Absent: only tenants have endpoints. */
    events: set.SPOKE_EVENTS_URL
      ? Object.freeze({
          url: set.SPOKE_EVENTS_URL,
          secrets: Object.freeze(eventSecrets.filter((secret) => secret !== undefined)),
          types: set.SPOKE_EVENTS_TYPES,
          inOrder: set.SPOKE_EVENTS_IN_ORDER === 'true',
          include: set.SPOKE_EVENTS_INCLUDE ?? [],
        })
      : undefined,
    /** Allows tenants' endpoints in private networks and over http, for development. */
    endpointsPrivate: set.SPOKE_ENDPOINTS_PRIVATE === 'true',
    leaseMs: set.SPOKE_LEASE,
    sync: Object.freeze({
      lookBackMs: set.SPOKE_SYNC_OVERLAP,
      indexLagMs: set.SPOKE_INDEX_LAG,
      maxDeletedShare: set.SPOKE_DELETION_LIMIT / 100,
    }),
    syncConcurrency: set.SPOKE_SYNC_CONCURRENCY,
    retention: Object.freeze({
      syncEventsMs: set.SPOKE_KEEP_SYNC_EVENTS,
      inboxMs: set.SPOKE_KEEP_INBOX,
      changesMs: set.SPOKE_KEEP_CHANGES,
      problemsMs: set.SPOKE_KEEP_PROBLEMS,
      archivedMs: set.SPOKE_KEEP_ARCHIVED,
    }),
    logLevel: set.LOG_LEVEL,
  })
}

/** `new,old`: newest first. HubSpot's secrets contain no comma. */
const secretsOf = (text: string | undefined) =>
  text === undefined ? [] : text.split(',').map((secret) => new Secret(secret.trim()))

/** `kid:base64,kid:base64`, newest first. */
function parseKeyRing(text: string | undefined, faults: string[]): KeyRing {
  if (text === undefined) return []
  const ring = text.split(',').map((entry, at) => {
    const [, kid, encoded = ''] = /^\s*([A-Za-z0-9_-]{1,32}):(.*?)\s*$/.exec(entry) ?? []
    const key = Buffer.from(encoded, 'base64')
    if (!kid) faults.push(`SPOKE_ENCRYPTION_KEYS entry ${at + 1} is not kid:base64`)
    else if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(encoded))
      faults.push(`SPOKE_ENCRYPTION_KEYS key "${kid}" is not base64`)
    else if (key.length !== 32)
      faults.push(`SPOKE_ENCRYPTION_KEYS key "${kid}" has ${key.length} bytes, not 32`)
    return { kid: kid ?? '', key: new Uint8Array(key) }
  })
  if (new Set(ring.map(({ kid }) => kid)).size < ring.length)
    faults.push('SPOKE_ENCRYPTION_KEYS names a key twice')
  return ring
}

/**
 * The key of an embedded database on loopback. Created at the first start in a file beside the data
 * directory, so that a copy of the directory alone cannot be decrypted.
 */
function localKeyRing(dataDir: string, notice: (line: string) => void): KeyRing {
  const path = `${dataDir}.keys`
  const parent = dirname(resolve(path))
  if (existsSync(parent) && anybodyMayReplaceIn(parent))
    notice(
      `warning: every user of this machine can write to ${parent} and could replace the key file ${path}; run chmod o-w ${parent}, or set SPOKE_ENCRYPTION_KEYS`,
    )
  if (!existsSync(path)) {
    // A new key could not open the existing data, and would hide that the old one is missing.
    if (existsSync(join(dataDir, 'pg')))
      throw new ConfigError([
        `the key file ${path} is missing, and the data in ${dataDir} cannot be opened without it; put it back`,
      ])
    const line = `local:${randomBytes(32).toString('base64')}\n`
    try {
      writeFileSync(path, line, { mode: 0o600, flag: 'wx' })
      notice(
        `created ${path}, the key that opens the stored tokens; keep a copy of it, apart from copies of the data`,
      )
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
        throw new ConfigError([`the key file ${path} cannot be written`])
    }
  }
  if (!makeFilePrivate(path))
    throw new ConfigError([
      `the key file ${path} is open to other users of this machine; run chmod 600 on it`,
    ])
  const faults: string[] = []
  const ring = parseKeyRing(readFileSync(path, 'utf8').trim(), faults)
  if (faults.length > 0)
    throw new ConfigError(faults.map((fault) => fault.replace('SPOKE_ENCRYPTION_KEYS', path)))
  return ring
}
