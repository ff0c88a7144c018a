/**
 * The environment: each variable and its form, the secrets that may be in files, and names that are
 * probably misspelt. Only config.ts reads it. Over 200 lines because there are 60 variables.
 */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { z } from 'zod'
import { eventTypes } from './lib/event-types.ts'
import { nearestName } from './lib/nearest-name.ts'
import { noProxyRules, parseProxy } from './lib/proxy.ts'
import './lib/zod-messages.ts'

export const loopback = new Set(['127.0.0.1', '::1', 'localhost'])

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
  SPOKE_EVENTS_INCLUDE: z
    .string()
    .transform(listOf)
    .pipe(z.array(z.enum(['issue'])).min(1))
    .optional(),
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

export type Env = Readonly<Record<string, string | undefined>>

/**
 * Reads the variables, each by itself.
 *
 * @param faults receives what is wrong, without values
 * @returns undefined when the form of a variable is wrong
 */
export function readVariables(env: Env, faults: string[]) {
  faults.push(...unknownNames(env))
  const read = z.object(variables).safeParse(withSecretFiles(env, faults))
  for (const issue of read.error?.issues ?? []) faults.push(`${String(issue.path[0])} ${issue.message}`)
  return read.data
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
