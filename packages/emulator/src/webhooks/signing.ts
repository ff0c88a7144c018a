// HubSpot's request signatures: what a receiver checks before it believes a delivery.
import { createHash, createHmac } from 'node:crypto'

// Exactly these are decoded in the address before it is signed; a `%20` or `%26` stays as it is.
const DECODED: Record<string, string> = {
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

export type Signed = 'both' | 'v1' | 'v2' | 'v3'

/** The address as it is signed. */
export function signedUri(uri: string): string {
  return uri.replace(
    /%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)/gi,
    (code) => DECODED[code.toUpperCase()] ?? code,
  )
}

/** Hex SHA-256 of secret and body. */
export function signatureV1(secret: string, body: string): string {
  return createHash('sha256')
    .update(secret + body, 'utf8')
    .digest('hex')
}

/** Hex SHA-256 of secret, method, address and body; workflows and cards use it, CRM webhooks do not. */
export function signatureV2(secret: string, method: string, uri: string, body: string): string {
  return createHash('sha256')
    .update(secret + method + uri + body, 'utf8')
    .digest('hex')
}

/** Base64 HMAC of method, address, body and timestamp under the app's secret. */
export function signatureV3(
  secret: string,
  method: string,
  uri: string,
  body: string,
  timestamp: number | string,
): string {
  return createHmac('sha256', secret)
    .update(method + signedUri(uri) + body + timestamp, 'utf8')
    .digest('base64')
}

/** The headers that sign a POST of `body` to `url`. */
export function signatureHeaders(
  secret: string,
  url: string,
  body: string,
  timestamp: number,
  which: Signed = 'both',
): Record<string, string> {
  const headers: Record<string, string> = {}
  if (which === 'both' || which === 'v1') {
    headers['X-HubSpot-Signature'] = signatureV1(secret, body)
    headers['X-HubSpot-Signature-Version'] = 'v1'
  }
  if (which === 'v2') {
    headers['X-HubSpot-Signature'] = signatureV2(secret, 'POST', url, body)
    headers['X-HubSpot-Signature-Version'] = 'v2'
  }
  if (which === 'both' || which === 'v3') {
    headers['X-HubSpot-Signature-v3'] = signatureV3(secret, 'POST', url, body, timestamp)
    headers['X-HubSpot-Request-Timestamp'] = String(timestamp)
  }
  return headers
}
