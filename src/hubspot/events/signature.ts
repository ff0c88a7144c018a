/** Verifies that a request came from HubSpot: signature version 3, and no older one. Pure. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Secret } from '../../lib/secret.ts'

/** A request as HubSpot signed it. */
export interface Signed {
  method: string
  /**
   * The URL that HubSpot called: the configured one, with the query of this request. Never built
   * from a Host header.
   */
  url: string
  /** As received, byte by byte. */
  body: Uint8Array
  /** X-HubSpot-Signature-v3. */
  signature: string | undefined
  /** X-HubSpot-Request-Timestamp. */
  timestamp: string | undefined
}

/** Why a signature is invalid; for the log and a metric, never for the caller. */
export type SignatureFault = 'missing' | 'malformed' | 'stale' | 'wrong'

/**
 * HubSpot says to refuse requests older than five minutes. We also refuse those as far in the
 * future.
 */
export const freshForMs = 300_000

/**
 * What HubSpot decodes in the URL before it signs, and nothing else: `%20`, `%26` and `%3D` stay as
 * they are.
 */
const decoded: Readonly<Record<string, string>> = {
  '%3A': ':',
  '%2F': '/',
  '%3F': '?',
  '%40': '@',
  '%21': '!',
  '%24': '$',
  '%27': "'",
  '%28': '(',
  '%29': ')',
  '%2A': '*',
  '%2C': ',',
  '%3B': ';',
}

const asSigned = (url: string) => url.replace(/%[0-9A-F]{2}/gi, (code) => decoded[code.toUpperCase()] ?? code)

/** HMAC-SHA256 of method, URL, body and timestamp without separators, in base64. */
function signatureOf({ method, url, body }: Signed, timestamp: string, secret: Secret): Buffer {
  const hmac = createHmac('sha256', secret.reveal())
  hmac
    .update(method + asSigned(url))
    .update(body)
    .update(timestamp)
  return Buffer.from(hmac.digest('base64'))
}

/** @returns undefined when both headers have HubSpot's format and the timestamp is current */
export function signatureHeaderFault(
  { signature, timestamp }: Pick<Signed, 'signature' | 'timestamp'>,
  nowMs: number,
): Exclude<SignatureFault, 'wrong'> | undefined {
  if (signature === undefined || timestamp === undefined) return 'missing'
  // Also rejects a duplicate header, which Node joins with a comma, and hex, which is not base64 of
  // 32 bytes.
  if (!/^[A-Za-z0-9+/]{43}=$/.test(signature) || !/^[1-9]\d{11,14}$/.test(timestamp)) return 'malformed'
  if (Math.abs(nowMs - Number(timestamp)) > freshForMs) return 'stale'
  return undefined
}

/**
 * HubSpot signs as `X-HubSpot-Signature-v3` with the app's client secret (its page "Validating
 * requests").
 *
 * @param secrets of the app; two while one is being replaced
 * @param nowMs our clock, epoch ms
 * @returns undefined when one of the secrets made the signature, and the timestamp is current
 */
export function signatureFault(
  request: Signed,
  secrets: readonly Secret[],
  nowMs: number,
): SignatureFault | undefined {
  const fault = signatureHeaderFault(request, nowMs)
  if (fault) return fault
  const { signature = '', timestamp = '' } = request
  const given = Buffer.from(signature)
  // Compare every secret, even after a match, so that the time taken reveals nothing.
  const fits = secrets.filter((secret) => timingSafeEqual(given, signatureOf(request, timestamp, secret)))
  return fits.length > 0 ? undefined : 'wrong'
}
