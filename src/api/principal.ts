/** Who asks, and what they may do. Pure. */
import type { TenantId } from '../db/tenant-id.ts'

/** read: look at everything of the tenant. sync: start runs. manage: connect, disconnect. None includes another. */
export const scopes = ['read', 'sync', 'manage'] as const
export type Scope = (typeof scopes)[number]

export type Principal =
  /** Anybody on this machine, while no key is configured. */
  | { kind: 'open' }
  /** The operator: every tenant, and what stands above tenants. `by`: at the command line, without the admin key. */
  | { kind: 'admin'; by?: 'cli' }
  /** Whoever collects the service's own figures, and may do nothing else. */
  | { kind: 'metrics' }
  /** One tenant, by a credential of it. `by` names the credential and holds nothing of its secret, such as `key:<id>`. */
  | { kind: 'tenant'; tenantId: TenantId; scopes: readonly Scope[]; by: string }

/** Whether the principal acts for every tenant and above them. */
export const mayAdminister = ({ kind }: Principal): boolean => kind === 'open' || kind === 'admin'

/** Whether this tenant is the principal's own; an operator owns every one. */
export const owns = (principal: Principal, tenantId: string): boolean =>
  principal.kind === 'tenant' ? principal.tenantId === tenantId : mayAdminister(principal)

export const mayDo = (principal: Principal, scope: Scope): boolean =>
  principal.kind === 'tenant' ? principal.scopes.includes(scope) : mayAdminister(principal)

/** The names that are no tenant's credential, and the principal that each is. */
const operators: Readonly<Record<string, Principal['kind']>> = { open: 'open', admin: 'admin', cli: 'admin' }

/**
 * Whether the principal may finish what another one began: an operator what the same operator began, and a tenant's
 * credential what any credential of that tenant began, since keys are rotated and each of them could begin it anew.
 *
 * @param begunBy as nameOf gave it, of the same tenant; null: nobody knows
 */
export const mayFinish = (principal: Principal, begunBy: string | null): boolean =>
  begunBy !== null && principal.kind !== 'metrics' && (operators[begunBy] ?? 'tenant') === principal.kind

/** The principal in a log or an audit. */
export const nameOf = (principal: Principal): string =>
  ('by' in principal ? principal.by : undefined) ?? principal.kind
