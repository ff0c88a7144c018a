/**
 * Reads and validates the environment; the only code that does. Called once, in main.ts. Reports
 * all faults at once, and prints no values. Over 200 lines because the variables, the rules between
 * them and the key file are what an operator checks together.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { eventTypes } from './lib/event-types.ts'
import { nearestName } from './lib/nearest-name.ts'
import { anybodyMayReplaceIn, makeFilePrivate } from './lib/private-directory.ts'
import { noProxyRules, parseProxy } from './lib/proxy.ts'
import type { KeyRing } from './lib/seal.ts'
import { Secret } from './lib/secret.ts'
import { parseWebhookSecret } from './lib/standard-webhooks.ts'
import './lib/zod-messages.ts'

const loopback = new Set(['127.0.0.1', '::1', 'localhost'])

/** A provider's keys decide who has access, so they must come over HTTPS or from this machine. */
function isKeysUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, username, password } = new URL(text)
  const near = loopback.has(hostname.replace(/^\[(.*)\]$/, '$1'))
  return (protocol === 'https:' || (protocol === 'http:' && near)) && username === '' && password === ''
}

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `30s`, `5m`, `250ms`, `1d`: a whole number and a unit. The result is in milliseconds. */
const duration = (least: number) =>
  z
    .string()
    .regex(/^\d{1,9}(ms|s|m|h|d)$/, 'must be a duration such as 30s or 5m')
    .transform((text) => {
      const [, count, unit] = /^(\d+)(\w+)$/.exec(text) as unknown as [string, string, keyof typeof units]
      return Number(count) * units[unit]
    })
    .refine((ms) => ms >= least, `must be at least ${least} ms`)

const sizes = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }

/** `64MiB`, `1GiB`, or `0`: a whole number and a unit. The result is in bytes. */
const size = z
  .string()
  .regex(/^(0|\d{1,6}(KiB|MiB|GiB))$/, 'must be a size such as 64MiB, or 0')
  .transform((text) => Number.parseInt(text, 10) * (sizes[text.slice(-3) as keyof typeof sizes] ?? 0))

/** `90d`, or `forever`. The result is milliseconds, or undefined. */
const retentionPeriod = z
  .string()
  .regex(/^([1-9]\d{0,4}d|forever)$/, 'must be a number of days such as 90d, or forever')
  .transform((text) => (text === 'forever' ? undefined : Number.parseInt(text, 10) * units.d))

const url = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
  .transform((text) => text.replace(/\/+$/, ''))
const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .refine((n) => n >= least && n <= most, `must be from ${least} to ${most}`)

const claimName = z.string().regex(/^[\x21-\x7e]{1,200}$/, 'must be a claim name')

/**
 * Addresses and networks, separated by commas. Networks of every address (`/0`) are rejected, since
 * any caller could then claim any address.
 */
const networks = z
  .string()
  .transform(listOf)
  .refine(
    (all) => all.every(isNetwork),
    'must be addresses or networks such as 10.0.0.0/8, separated by commas',
  )

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
}

function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/')
  const most = { 4: 32, 6: 128 }[isIP(address)]
  if (most === undefined || more.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= most)
}

/** `http://user:password@proxy:3128`, or `proxy:3128`. */
const proxy = z.string().transform((text, context) => {
  const read = parseProxy(text)
  if (read) return read
  context.addIssue({ code: 'custom', message: 'must be the http or https URL of a proxy, or host:port' })
  return z.NEVER
})

/** `oauth tickets`, without duplicates. */
const scopeNames = z
  .string()
  .regex(/^[A-Za-z0-9._ -]*$/, 'must be scope names separated by spaces')
  .transform((text) => [...new Set(text.split(' ').filter((scope) => scope !== ''))])

/**
 * All variables. .env.example explains them, and a test compares the two. An empty value counts as
 * absent.
 */
export const variables = {
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgres://')
    .optional(),
  SPOKE_MIGRATE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgres://')
    .optional(),
  SPOKE_DATA_DIR: z.string().default('./data'),
  SPOKE_DB_POOL: whole(1, 200).default(10),
  SPOKE_DB_PREPARE: z.enum(['auto', 'on', 'off']).default('auto'),
  SPOKE_DB_WAIT: duration(0).default(60_000),
  SPOKE_MIN_FREE_DISK: size.default(32 * 2 ** 20),
  SPOKE_WATCHDOG: duration(0)
    .refine((ms) => ms === 0 || (ms >= 5_000 && ms <= 3_600_000), 'must be from 5s to 1h, or 0s')
    .default(60_000),
  HOST: z.string().default('127.0.0.1'),
  PORT: whole(0, 65_535).default(8000),
  SPOKE_PUBLIC_URL: url.optional(),
  SPOKE_ROLE: z.enum(['all', 'api', 'worker']).default('all'),
  SPOKE_ADMIN_KEY: z.string().min(24, 'must have at least 24 characters').optional(),
  SPOKE_METRICS_KEY: z.string().min(24, 'must have at least 24 characters').optional(),
  SPOKE_ENCRYPTION_KEYS: z.string().optional(),
  SPOKE_JWT_ISSUER: z.string().max(500, 'must have at most 500 characters').optional(),
  SPOKE_JWT_AUDIENCE: z.string().max(500, 'must have at most 500 characters').optional(),
  SPOKE_JWT_JWKS_URL: z
    .string()
    .refine(isKeysUrl, 'must be an https URL without credentials (http only for a loopback host)')
    .optional(),
  SPOKE_JWT_TENANT_CLAIM: claimName.default('tenant_id'),
  SPOKE_JWT_SCOPE_CLAIM: claimName.default('scope'),
  SPOKE_RATE_KEY: whole(0, 1_000_000).default(600),
  SPOKE_RATE_TENANT: whole(0, 1_000_000).default(3_000),
  SPOKE_RATE_ADDRESS: whole(0, 1_000_000).default(1_200),
  SPOKE_RATE_FAILED: whole(0, 1_000_000).default(10),
  SPOKE_TRUSTED_PROXIES: networks.optional(),
  SPOKE_MAX_REQUESTS: whole(1, 100_000).default(1_000),
  SPOKE_MAX_STREAMS: whole(1, 100_000).default(500),
  HUBSPOT_CLIENT_ID: z.string().optional(),
  HUBSPOT_CLIENT_SECRET: z.string().optional(),
  HUBSPOT_APP_ID: whole(1, Number.MAX_SAFE_INTEGER).optional(),
  HUBSPOT_REDIRECT_URI: url.optional(),
  // Without these, HubSpot neither identifies the account nor returns its tickets.
  HUBSPOT_REQUIRED_SCOPES: scopeNames
    .refine(
      (scopes) => ['oauth', 'tickets'].every((one) => scopes.includes(one)),
      'must include oauth and tickets: Spoke cannot work without them',
    )
    .default(['oauth', 'tickets', 'crm.objects.owners.read']),
  HUBSPOT_OPTIONAL_SCOPES: scopeNames.optional(),
  HUBSPOT_API_URL: url.default('https://api.hubapi.com'),
  HUBSPOT_AUTHORIZE_URL: url.default('https://app.hubspot.com/oauth/authorize'),
  HUBSPOT_TIMEOUT: duration(100).default(15_000),
  HTTPS_PROXY: proxy.optional(),
  HTTP_PROXY: proxy.optional(),
  NO_PROXY: z.string().transform(noProxyRules).optional(),
  SPOKE_TOKEN_CHECK_EVERY: duration(0).default(60_000),
  SPOKE_SYNC_EVERY: duration(1_000).default(300_000),
  SPOKE_SYNC_OVERLAP: duration(0).default(600_000),
  SPOKE_FULL_EVERY: duration(1_000).default(86_400_000),
  SPOKE_WEBHOOK_WINDOW: duration(0)
    .refine((ms) => ms <= 60_000, 'must be at most 60s')
    .default(500),
  SPOKE_JOURNAL: z.enum(['true', 'false']).default('false'),
  SPOKE_EVENTS_URL: z
    .string()
    .refine((text) => {
      const url = URL.parse(text)
      return url !== null && /^https?:$/.test(url.protocol) && !url.username && !url.password && !url.hash
    }, 'must be an http or https URL without credentials or a fragment')
    .optional(),
  SPOKE_EVENTS_SECRET: z.string().optional(),
  SPOKE_EVENTS_TYPES: z
    .string()
    .transform(listOf)
    .pipe(z.array(z.enum(eventTypes)).min(1))
    .optional(),
  SPOKE_EVENTS_IN_ORDER: z.enum(['true', 'false']).default('true'),
  SPOKE_ENDPOINTS_PRIVATE: z.enum(['true', 'false']).default('false'),
  SPOKE_INDEX_LAG: duration(0).default(60_000),
  SPOKE_DELETION_LIMIT: whole(0, 100).default(20),
  SPOKE_LEASE: duration(1_000).default(25_000),
  SPOKE_SYNC_CONCURRENCY: whole(1, 64).default(4),
  SPOKE_KEEP_SYNC_EVENTS: retentionPeriod.default(90 * units.d),
  SPOKE_KEEP_INBOX: retentionPeriod.default(14 * units.d),
  SPOKE_KEEP_CHANGES: retentionPeriod.default(30 * units.d),
  SPOKE_KEEP_PROBLEMS: retentionPeriod.default(90 * units.d),
  SPOKE_KEEP_ARCHIVED: retentionPeriod.optional(),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
} as const

/** These may also be set as NAME_FILE: the path of a file with the value. */
export const secretNames = [
  'DATABASE_URL',
  'SPOKE_MIGRATE_URL',
  'SPOKE_ADMIN_KEY',
  'SPOKE_METRICS_KEY',
  'SPOKE_ENCRYPTION_KEYS',
  'HUBSPOT_CLIENT_SECRET',
  'SPOKE_EVENTS_SECRET',
  'HTTPS_PROXY',
  'HTTP_PROXY',
] as const

/** Other programs also use these in lower case, which takes precedence. */
const inLowerCase = new Set(['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY'])

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

type Env = Readonly<Record<string, string | undefined>>

/**
 * @param notice called with messages for the operator (such as a created key file)
 * @throws ConfigError
 */
export function readConfig(env: Env, notice: (line: string) => void = () => {}) {
  const faults = unknownNames(env)
  const given = withSecretFiles(env, faults)
  const read = z.object(variables).safeParse(given)
  if (!read.success) {
    for (const issue of read.error.issues) faults.push(`${String(issue.path[0])} ${issue.message}`)
    throw new ConfigError(faults)
  }
  const set = read.data
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

/** Variables that other code reads: the recipes in deploy/, the examples, and Spoke's own tests. */
const namesOfOthers =
  /^(SPOKE_SERVING_PASSWORD|SPOKE_URL|SPOKE_TENANT|SPOKE_SHARED_DIR|HUBSPOT_TOKEN|HUBSPOT_TEST_TOKEN|SPOKE_TEST_[A-Z_]+)$/

/**
 * What Kubernetes and Docker set for a service with such a name (`enableServiceLinks`, `--link`).
 */
const serviceLinks =
  /^[A-Z0-9_]+_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/
const isServiceLink = (name: string, value: string) =>
  serviceLinks.test(name) || (/^[A-Z0-9_]+_PORT$/.test(name) && /^(tcp|udp|sctp):\/\//.test(value))

/**
 * Reports each variable that resembles one of ours but is not, with the name that was probably
 * meant.
 */
function unknownNames(env: Env): string[] {
  const names = Object.keys(variables)
  const known = new Set([...names, ...secretNames.map((name) => `${name}_FILE`)])
  return Object.entries(env).flatMap(([name, value = '']) => {
    if (!/^(SPOKE|HUBSPOT)_/i.test(name) || known.has(name) || value.trim() === '') return []
    if (namesOfOthers.test(name) || isServiceLink(name, value)) return []
    // With an extra prefix, or with _FILE on a variable that is not a secret.
    const bare = [name.replace(/^[^_]*_/, ''), name.replace(/_FILE$/, '')].find((one) => known.has(one))
    const meant = bare ?? nearestName(name, [...known])
    return [`${name} is not a Spoke variable${meant ? `; did you mean ${meant}?` : ''}`]
  })
}

function withSecretFiles(env: Env, faults: string[]): Record<string, string | undefined> {
  const given: Record<string, string | undefined> = {}
  for (const name of Object.keys(variables))
    given[name] =
      (inLowerCase.has(name) ? env[name.toLowerCase()]?.trim() : undefined) || env[name]?.trim() || undefined
  for (const name of secretNames) {
    const path = env[`${name}_FILE`]?.trim()
    if (!path) continue
    if (given[name] !== undefined) faults.push(`${name} and ${name}_FILE are both set; keep one`)
    try {
      given[name] = readFileSync(path, 'utf8').trim() || undefined
    } catch {
      faults.push(`${name}_FILE cannot be read`)
    }
  }
  return given
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
