/** Verifies a webhook that Spoke sent: Standard Webhooks, by WebCrypto. */
import type { components } from './generated/schema.ts'

export type Webhook = components['schemas']['Webhook']

export type WebhookErrorCode =
  | 'missing_header'
  | 'invalid_timestamp'
  | 'timestamp_out_of_range'
  | 'invalid_signature'
  | 'invalid_body'

/** The request is not a webhook of Spoke, or is too old: respond 401 and do nothing. */
export class WebhookVerificationError extends Error {
  override readonly name = 'WebhookVerificationError'
  readonly code: WebhookErrorCode

  constructor(code: WebhookErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

export type WebhookHeaders = Headers | Record<string, string | readonly string[] | undefined>

export interface VerifyWebhookOptions {
  /** Of the endpoint: `whsec_` and base64. Several while one replaces another. */
  secret: string | readonly string[]
  /** How far the time of the webhook may be from now, in either direction; default: 300. */
  toleranceSeconds?: number | undefined
  /** Milliseconds since 1970, instead of the clock's. */
  now?: number | undefined
}

/** More signatures than these are not looked at; Spoke sends two at most. */
const maxSignatures = 10

/**
 * @param body the raw bytes of the request, or their text: JSON that was parsed and written again differs
 * @throws WebhookVerificationError; TypeError for a secret that is none
 */
export async function verifyWebhook(
  body: string | Uint8Array,
  headers: WebhookHeaders,
  { secret, toleranceSeconds = 300, now = Date.now() }: VerifyWebhookOptions,
): Promise<Webhook> {
  const secrets = (typeof secret === 'string' ? [secret] : secret).map(bytesOfSecret)
  if (secrets.length === 0) throw new TypeError('no secret is given')
  const id = required(headers, 'webhook-id')
  const timestamp = required(headers, 'webhook-timestamp')
  const signatures = signaturesOf(required(headers, 'webhook-signature'))
  if (!/^\d{1,12}$/.test(timestamp))
    throw new WebhookVerificationError('invalid_timestamp', 'webhook-timestamp is not a time')
  // Written so that a tolerance that is no number refuses.
  if (!(Math.abs(now / 1_000 - Number(timestamp)) <= toleranceSeconds))
    throw new WebhookVerificationError('timestamp_out_of_range', 'webhook-timestamp is too far from now')
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
  if (!(await isSigned(concat(new TextEncoder().encode(`${id}.${timestamp}.`), bytes), signatures, secrets)))
    throw new WebhookVerificationError('invalid_signature', 'no signature is of one of the secrets')
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Webhook
  } catch {
    throw new WebhookVerificationError('invalid_body', 'the body is not JSON')
  }
}

type Bytes = Uint8Array<ArrayBuffer>

/** WebCrypto compares in constant time. */
async function isSigned(content: Bytes, signatures: Bytes[], secrets: Bytes[]): Promise<boolean> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  for (const secret of secrets) {
    const key = await crypto.subtle.importKey('raw', secret, algorithm, false, ['verify'])
    for (const signature of signatures)
      if (await crypto.subtle.verify('HMAC', key, signature, content)) return true
  }
  return false
}

/** Other versions than v1 are skipped: a later Spoke may add them. */
function signaturesOf(header: string): Bytes[] {
  return header
    .split(' ', maxSignatures)
    .filter((one) => one.startsWith('v1,'))
    .flatMap((one) => decodeBase64(one.slice('v1,'.length)) ?? [])
}

/** @throws TypeError that does not have the value */
function bytesOfSecret(secret: string): Bytes {
  const bytes = secret.startsWith('whsec_') ? decodeBase64(secret.slice('whsec_'.length)) : undefined
  if (!bytes || bytes.length < 24) throw new TypeError('a secret is whsec_ and at least 24 bytes in base64')
  return bytes
}

function decodeBase64(text: string): Bytes | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) return undefined
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
}

function concat(first: Uint8Array, second: Uint8Array): Bytes {
  const all = new Uint8Array(first.length + second.length)
  all.set(first)
  all.set(second, first.length)
  return all
}

function required(headers: WebhookHeaders, name: string): string {
  const value = headers instanceof Headers ? headers.get(name) : findHeader(headers, name)
  if (typeof value !== 'string' || value === '')
    throw new WebhookVerificationError('missing_header', `${name} is missing`)
  return value
}

/** Node gives names in lower case; other servers as they were sent. */
function findHeader(headers: Exclude<WebhookHeaders, Headers>, name: string): string | undefined {
  const [, value] = Object.entries(headers).find(([one]) => one.toLowerCase() === name) ?? []
  return typeof value === 'object' ? value[0] : value
}
