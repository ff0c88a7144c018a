/** The cookie that lets one browser confirm; it is sent only to the page of one confirmation. */
import type { TenantId } from '../../db/tenant-id.ts'
import { parseUuid } from '../../lib/ids.ts'
import { Secret } from '../../lib/secret.ts'
import type { ConfirmationClaim } from './confirm.ts'

/** As long as the grant waits for confirmation. */
const seconds = 600

export const confirmPath = (confirmationId: string) => `/connect/${confirmationId}`

/**
 * Lax, not Strict: HubSpot's site sends the browser here, and browsers do not send a Strict cookie
 * to the page that this redirect leads to. A Lax cookie is not sent with a POST from another site
 * either.
 */
const attributes = (confirmationId: string, maxAge: number, secure: boolean) =>
  `Path=${confirmPath(confirmationId)}; Max-Age=${maxAge}; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`

/** The prefix prevents a sibling site from overwriting the cookie over plain HTTP. */
const nameOf = (secure: boolean) => (secure ? '__Secure-spoke_connect' : 'spoke_connect')

export const confirmCookie = (
  { tenantId, confirmationId, secret }: ConfirmationClaim,
  secure: boolean,
): string =>
  `${nameOf(secure)}=${tenantId}.${secret.reveal()}; ${attributes(confirmationId, seconds, secure)}`

export const clearConfirmCookie = (confirmationId: string, secure: boolean): string =>
  `${nameOf(secure)}=; ${attributes(confirmationId, 0, secure)}`

/** @returns undefined when the browser sends none, or none that is valid */
export function confirmationClaimOf(
  confirmationId: string,
  header: string | undefined,
  secure: boolean,
): ConfirmationClaim | undefined {
  const start = `${nameOf(secure)}=`
  const given = (header ?? '')
    .split(';')
    .map((one) => one.trim())
    .find((one) => one.startsWith(start))
  const [, tenant, secret] = /^([0-9a-f-]{36})\.([\w-]{43})$/.exec(given?.slice(start.length) ?? '') ?? []
  const tenantId = tenant && parseUuid(tenant)
  if (!tenantId || !secret) return undefined
  return { tenantId: tenantId as TenantId, confirmationId, secret: new Secret(secret) }
}
