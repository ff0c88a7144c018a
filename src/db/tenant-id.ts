/** A tenant's id as its own type, so that a plain string is never accepted as one. */
import { AppError } from '../lib/errors.ts'
import { parseUuid } from '../lib/ids.ts'

declare const brand: unique symbol

/** A validated, canonical UUID: safe to embed in `SET LOCAL`. */
export type TenantId = string & { readonly [brand]: 'TenantId' }

/** @throws AppError invalid_id */
export function parseTenantId(text: string): TenantId {
  const id = parseUuid(text)
  if (!id) {
    throw new AppError('invalid_id', 'The tenant id is not a UUID', {
      details: [{ pointer: '/tenant_id', rule: 'must be a UUID' }],
    })
  }
  return id as TenantId
}
