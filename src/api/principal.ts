/** Principals: who makes a request, and what they may do. Pure. */
import type { TenantId } from '../db/tenant-id.ts'

/**
 * read: read all data of the tenant. sync: start runs. manage: connect, disconnect. None includes
 * another.
 */
export const scopes = ['read', 'sync', 'manage'] as const
export type Scope = (typeof scopes)[number]

export type Principal =
  /** Anyone on this machine, while no key is configured. */
  | { kind: 'open' }
  /**
   * The operator: every tenant, and what belongs to no tenant. `by`: on the command line, without
   * the admin key.
   */
  | { kind: 'admin'; by?: 'cli' }
  /** The metrics collector, which may do nothing else. */
  | { kind: 'metrics' }
  /**
   * One tenant, by one of its credentials. `by` names the credential without any of its secret,
   * such as `key:<id>`.
   */
  | { kind: 'tenant'; tenantId: TenantId; scopes: readonly Scope[]; by: string }

/** Whether the principal acts for every tenant and for the service itself. */
export const mayAdminister = ({ kind }: Principal): boolean => kind === 'open' || kind === 'admin'

/** Whether the principal may access this tenant; an operator may access every tenant. */
export const mayAccessTenant = (principal: Principal, tenantId: string): boolean =>
  principal.kind === 'tenant' ? principal.tenantId === tenantId : mayAdminister(principal)

export const hasScope = (principal: Principal, scope: Scope): boolean =>
  principal.kind === 'tenant' ? principal.scopes.includes(scope) : mayAdminister(principal)

/** Names that are not a tenant's credential, and the kind of principal of each. */
const operators: Readonly<Record<string, Principal['kind']>> = { open: 'open', admin: 'admin', cli: 'admin' }

/**
 * Whether the principal may finish what another one began. An operator may finish what the same
 * operator began. A tenant's credential may finish what any credential of that tenant began,
 * because keys are rotated and each of them could start it anew.
 *
 * @param begunBy a result of principalName, for the same tenant
 */
export const mayFinishAuthorization = (principal: Principal, begunBy: string): boolean =>
  principal.kind !== 'metrics' && (operators[begunBy] ?? 'tenant') === principal.kind

/** The principal's name in logs and the audit log. */
export const principalName = (principal: Principal): string =>
  ('by' in principal ? principal.by : undefined) ?? principal.kind
