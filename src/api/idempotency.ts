/** Hashes the Idempotency-Key of a request, and the request itself. Pure. */
import { createHash } from 'node:crypto'
import { AppError } from '../lib/errors.ts'

export interface IdempotencyKey {
  keyHash: string
  /** Hash of method, path and body. The row's salt protects tokens that the body may contain. */
  hashWith(salt: string): string
}

/** Of an Idempotency-Key: printable ASCII without spaces. */
export const idempotencyKeyForm = /^[\x21-\x7e]{1,255}$/

const digest = (...parts: string[]) => {
  const hash = createHash('sha256')
  // Each part is prefixed with its length, so that different lists of parts never give the same
  // input.
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:${part}`)
  return hash.digest('base64url')
}

/**
 * @param request its parsed body: whitespace, key order and defaults make no difference
 * @returns undefined when the caller sent no key
 * @throws AppError validation_failed
 */
export function readIdempotencyKey(request: {
  method: string
  url: string
  headers: Readonly<Record<string, string | string[] | undefined>>
  body: unknown
}): IdempotencyKey | undefined {
  const header = request.headers['idempotency-key']
  if (header === undefined) return undefined
  if (typeof header !== 'string' || !idempotencyKeyForm.test(header)) {
    throw new AppError('validation_failed', 'The Idempotency-Key is not valid', {
      details: [
        { pointer: '/idempotency-key', rule: 'must be 1 to 255 printable ASCII characters without spaces' },
      ],
    })
  }
  const { method, url, body } = request
  const fingerprint = JSON.stringify(body ?? null, (_, value) => sorted(value))
  return { keyHash: digest(header), hashWith: (salt) => digest(salt, method, url, fingerprint) }
}

const sorted = (value: unknown) =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value
