/** The types of an operation's input and result, taken from the generated ones. */
import type { operations as table } from './generated/operations.ts'
import type { operations } from './generated/schema.ts'

/** What the client knows of an operation. */
export interface OperationFacts {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  path: string
  ofTenant?: boolean
  /** The media type of the request body. */
  body?: string
  idempotent?: boolean
  /** A success is JSON; otherwise the call gives the Response. */
  json?: boolean
  pages?: { method: string; items: string }
}

export type OperationId = keyof typeof table & keyof operations

export interface CallOptions {
  /** Ends the call, and any wait for another attempt. */
  signal?: AbortSignal | undefined
  /** For POST: your own key instead of a random one, so that a repeat by another process has no second effect. */
  idempotencyKey?: string | undefined
  /** Milliseconds per attempt, instead of the client's. */
  timeoutMs?: number | undefined
  /** Appears in Spoke's log and in its errors: 1 to 64 of `A-Z a-z 0-9 . _ -`. */
  requestId?: string | undefined
}

type Simplify<T> = { [K in keyof T]: T[K] }
type QueryPart<Id extends OperationId> = operations[Id] extends { parameters: { query?: infer Query } }
  ? Exclude<Query, undefined>
  : never

/** One value of a query parameter, and what is turned into it: a boolean, a time. */
type Widen<Name, Value> = Value extends readonly (infer Item)[]
  ? Item | readonly Item[]
  : Value extends 'true' | 'false'
    ? Value | boolean
    : Name extends `${string}_at.${string}`
      ? Value | Date
      : Value

type Query<T> = Simplify<{
  [K in keyof T]: Widen<K, Exclude<T[K], undefined>> | Extract<T[K], undefined> | OrAbsent<T, K>
}>
/** An optional parameter may also be given as undefined. */
type OrAbsent<T, K extends keyof T> = Record<never, never> extends Pick<T, K> ? undefined : never

type QueryValue = string | number | boolean
/** Conditions on the account's own properties, whose names no schema knows. */
export interface PropertyConditions {
  [name: `properties.${string}`]: QueryValue | readonly QueryValue[] | Date | undefined
}

export type QueryOf<Id extends OperationId> = [QueryPart<Id>] extends [never]
  ? Record<never, never>
  : Id extends `issues.${string}`
    ? Query<QueryPart<Id>> & PropertyConditions
    : Query<QueryPart<Id>>

type BodyPart<Id extends OperationId> = operations[Id] extends { requestBody: { content: infer Content } }
  ? Content[keyof Content]
  : never

/** What a call is given after the ids of its path: the body if the operation takes one, otherwise the query. */
export type InputOf<Id extends OperationId> = [BodyPart<Id>] extends [never] ? QueryOf<Id> : BodyPart<Id>

type Success<Responses> = {
  [Status in keyof Responses & (200 | 201 | 202)]: Responses[Status] extends {
    content: { 'application/json': infer Json }
  }
    ? Json
    : never
}[keyof Responses & (200 | 201 | 202)]

/** What a call resolves with: the JSON of a success, or the Response of an operation that sends none. */
export type ResultOf<Id extends OperationId> = [Success<operations[Id]['responses']>] extends [never]
  ? Response
  : Success<operations[Id]['responses']>

export type ItemOf<Id extends OperationId, Field extends string> =
  ResultOf<Id> extends Record<Field, readonly (infer Item)[]> ? Item : never
