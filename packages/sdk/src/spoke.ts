/** `createSpoke`: the client of Spoke's API. Uses web APIs only, and so runs on Node, Deno, Bun and in browsers. */
import { createCaller, type SpokeOptions } from './call.ts'
import {
  type Change,
  type ChangeStreamOptions,
  type FollowOptions,
  followRun,
  type SyncEvent,
  streamChanges,
} from './event-streams.ts'
import type { RootOperations, TenantOperations } from './generated/operations.ts'
import type { components } from './generated/schema.ts'
import { streamIssues } from './issue-stream.ts'
import { operationMethods, pathOf } from './operation-methods.ts'
import type { CallOptions, InputOf } from './operation-types.ts'

export type { SpokeOptions } from './call.ts'
export type { Change, ChangeStreamOptions, FollowOptions, SyncEvent } from './event-streams.ts'
export type { CallOptions, InputOf, OperationId, ResultOf } from './operation-types.ts'
export type { RetryOptions } from './retry.ts'
export { type ClientErrorCode, type ErrorCode, type ErrorDetail, SpokeError } from './spoke-error.ts'
export type Schemas = components['schemas']
export type Issue = Schemas['Issue']
export type Integration = Schemas['Integration']
export type Ticket = Schemas['Ticket']
export type Webhook = Schemas['Webhook']

/** Everything about one tenant. */
export interface SpokeTenant extends Omit<TenantOperations, 'changes' | 'issues' | 'sync'> {
  readonly id: string
  issues: TenantOperations['issues'] & {
    /**
     * The issues of a query in one request, read line by line.
     *
     * @throws SpokeError when the export was cut off: without an error it is whole
     */
    stream(
      query?: Omit<InputOf<'issues.export'>, 'format' | 'csv_safe'>,
      options?: CallOptions,
    ): AsyncGenerator<Issue, void, undefined>
  }
  changes: TenantOperations['changes'] & {
    /**
     * The changes after a cursor, each once and in order, without end: over server-sent events, continued after a
     * broken connection, and by long polls where a proxy lets no events through. Store the `cursor` of the last change
     * you processed, and start from it again.
     */
    stream(options?: ChangeStreamOptions): AsyncGenerator<Change, void, undefined>
  }
  sync: TenantOperations['sync'] & {
    /** The states of a run as it proceeds. Ends with the run, whose last state has a `finished_at`. */
    follow(
      integration_id: string,
      sync_event_id: string,
      options?: FollowOptions,
    ): AsyncGenerator<SyncEvent, void, undefined>
  }
}

export interface Spoke extends RootOperations {
  tenant(tenantId: string): SpokeTenant
}

/**
 * @throws TypeError for options that cannot work. Nothing is sent yet. The credential is in no property of the client,
 *   so that it does not appear when the client is printed.
 */
export function createSpoke(options: SpokeOptions): Spoke {
  const caller = createCaller(options)
  return {
    ...(operationMethods(caller) as unknown as RootOperations),
    tenant(tenantId) {
      const names = ['integration_id', 'sync_event_id']
      pathOf(['tenant_id'], tenantId, [], [])
      const methods = operationMethods(caller, tenantId) as unknown as TenantOperations
      return {
        ...methods,
        id: tenantId,
        issues: {
          ...methods.issues,
          stream: (query, callOptions) => streamIssues(caller, tenantId, query, callOptions),
        },
        changes: {
          ...methods.changes,
          stream: (streamOptions) => streamChanges(caller, tenantId, streamOptions),
        },
        sync: {
          ...methods.sync,
          follow: (integrationId, syncEventId, followOptions) =>
            followRun(
              caller,
              pathOf(['tenant_id', ...names], tenantId, names, [integrationId, syncEventId]),
              followOptions,
            ),
        },
      }
    },
  }
}
