/** The status of each error code, and which errors a route may send. Pure. */
import type { FastifyContextConfig } from 'fastify'
import type { ErrorCode, RouteError } from '../lib/errors.ts'
import { isScope } from './gate.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Which errors the route sends besides those of every route. A test fails on any other. */
    errors?: readonly RouteError[]
  }
}

export const statusOf: Record<ErrorCode, number> = {
  validation_failed: 400,
  invalid_json: 400,
  invalid_id: 400,
  invalid_cursor: 400,
  invalid_state: 400,
  oauth_code_rejected: 400,
  oauth_denied: 400,
  bad_request: 400,
  unauthenticated: 401,
  invalid_signature: 401,
  insufficient_scope: 403,
  forged_request: 403,
  not_found: 404,
  tenant_not_found: 404,
  api_key_not_found: 404,
  integration_not_found: 404,
  issue_not_found: 404,
  sync_event_not_found: 404,
  endpoint_not_found: 404,
  delivery_not_found: 404,
  method_not_allowed: 405,
  integration_not_connected: 409,
  token_invalid: 409,
  hub_changed: 409,
  hubspot_forbidden: 409,
  api_key_not_active: 409,
  open_mode: 409,
  too_many_endpoints: 409,
  tenant_erasing: 409,
  idempotency_in_progress: 409,
  cursor_gone: 410,
  body_too_large: 413,
  request_too_large: 431,
  unsupported_media_type: 415,
  misdirected_request: 421,
  missing_scopes: 422,
  query_too_broad: 422,
  idempotency_mismatch: 422,
  rate_limited: 429,
  hubspot_unavailable: 502,
  oauth_not_configured: 503,
  webhooks_not_configured: 503,
  hubspot_limit: 503,
  overloaded: 503,
  disk_full: 503,
  unavailable: 503,
}

interface Route {
  method: string | string[]
  /** With `:name` for each parameter. Absent: no route has the path. */
  url?: string | undefined
  config?: FastifyContextConfig
}

/** @returns the codes of each status: those that the route declares, and those of every such route */
export function errorsOf({ method, url = '', config = {} }: Route): Map<number, string[]> {
  const { access = 'public', probe, requestHeaders = [], errors = [] } = config
  const codes: (RouteError | 'internal')[] = [
    'bad_request',
    'request_too_large',
    'misdirected_request',
    'internal',
  ]
  if (!probe) codes.push('validation_failed', 'rate_limited', 'overloaded', 'disk_full', 'unavailable')
  if (url.includes(':')) codes.push('invalid_id')
  if (method !== 'GET' && method !== 'HEAD')
    codes.push('invalid_json', 'unsupported_media_type', 'body_too_large')
  if (access !== 'public' && access !== 'signed')
    codes.push('unauthenticated', 'insufficient_scope', 'forged_request')
  // Also when the credential's own tenant is being erased.
  if (isScope(access) || access === 'session') codes.push('integration_not_found')
  if (requestHeaders.includes('Idempotency-Key'))
    codes.push('idempotency_in_progress', 'idempotency_mismatch')
  const found = new Map<number, string[]>()
  for (const one of new Set([...codes, ...errors])) {
    const [, given, code = ''] = /^(?:(\d+) )?(\w+)$/.exec(one) ?? []
    const status = given ? Number(given) : code === 'internal' ? 500 : statusOf[code as ErrorCode]
    found.set(status, [...(found.get(status) ?? []), code])
  }
  return found
}

/** By the `config` of a route and its method: under a flood, refusals must be cheap. */
const declared = new WeakMap<object, Map<string, Map<number, string[]>>>()

/** Whether the route declares the error. */
export function maySend(route: Route, status: number, code: string): boolean {
  const { url, method, config = {} } = route
  // Another path was meant: see allowed-methods.ts.
  if (url === undefined || code === 'method_not_allowed') return true
  const byMethod = declared.get(config) ?? new Map<string, Map<number, string[]>>()
  declared.set(config, byMethod)
  const codes = byMethod.get(String(method)) ?? errorsOf(route)
  byMethod.set(String(method), codes)
  return codes.get(status)?.includes(code) === true
}
