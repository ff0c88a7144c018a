/** SQL of conditions on properties and associations: they look up the index and compare what is stored. */
import { type RawBuilder, sql } from 'kysely'
import type { TenantScope } from '../db/scope.ts'
import type { AppError } from '../lib/errors.ts'
import { nearestName } from '../lib/nearest-name.ts'
import type { AssociatedKind } from './association-store.ts'
import { listPropertyNames } from './field-store.ts'
import {
  kindOf,
  operandOf,
  type PropertyCondition,
  type Refuse,
  type ValueKind,
} from './property-conditions.ts'
import type { Comparison } from './query.ts'
import { associationName, createTermOf } from './search-terms.ts'
import { numbersOn, timesOn } from './value-ranges.ts'

export const comparisonOperators: Record<Comparison, RawBuilder<unknown>> = {
  gt: sql`>`,
  gte: sql`>=`,
  lt: sql`<`,
  lte: sql`<=`,
}

/** The value `p.value` as a number; null: it is none. */
export const asNumber = sql`case when p.value ~ '^[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]{1,3})?$' and length(p.value) <= 200
  then p.value::numeric end`

/**
 * The value `p.value` as a time of fixed length, in the order of text; null: it is none. Not as
 * PostgreSQL's type: a value that only looks like a date would fail the query. Some values are
 * milliseconds since 1970.
 */
export const asTime = sql`case
  when p.value ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' then p.value || 'T00:00:00.000'
  when p.value ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$' then left(p.value, 19) || '.000'
  when p.value ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{1,3}Z$' then rpad(rtrim(p.value, 'Z'), 23, '0')
  when p.value ~ '^-?[0-9]{10,14}$'
    then to_char(to_timestamp(p.value::numeric / 1000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS')
  end collate "C"`

/** What a condition is for each of the two tables that a query reads. */
export interface ContentConditions {
  /** On a row `t` of the index: more issues may meet it than meet the condition. */
  indexed: RawBuilder<unknown>[]
  /** On what is stored of a row `s`. */
  stored: RawBuilder<unknown>[]
}

/** @throws AppError validation_failed for a property that does not exist, and a value of another type */
export async function propertyConditions(
  scope: TenantScope,
  conditions: readonly PropertyCondition[],
  integrationId: string | undefined,
): Promise<ContentConditions> {
  const all: ContentConditions = { indexed: [], stored: [] }
  if (conditions.length === 0) return all
  const types = await findTypes(scope, conditions, integrationId)
  const termOf = createTermOf(scope.tenantId)
  for (const { name, refuse, test } of conditions) {
    const kind = kindOf(types.get(name) ?? null)
    if ('exists' in test) {
      const hasValue = hasAny([termOf(name)])
      all.indexed.push(test.exists ? hasValue : sql`not ${hasValue}`)
    } else if ('any' in test) {
      const operands = test.any.map((value) => operandOf(kind, value, refuse))
      all.indexed.push(hasAny(operands.map((value) => termOf(name, termValue(kind, value)))))
      all.stored.push(stored(scope, name, isAnyOf(kind, operands)))
    } else {
      if (kind !== 'number' && kind !== 'time')
        throw refuse('compares numbers and times only, and the property is neither')
      const operand = operandOf(kind, test.value, refuse)
      const side = test.comparison.startsWith('g') ? 'up' : 'down'
      const ranges = kind === 'number' ? numbersOn(side, Number(operand)) : timesOn(side, operand)
      const isBeyond = comparisonOperators[test.comparison]
      const compared =
        kind === 'number'
          ? sql`${asNumber} ${isBeyond} ${operand}::numeric`
          : sql`${asTime} ${isBeyond} ${operand}`
      all.indexed.push(hasAny(ranges.map((range) => termOf(name, range))))
      all.stored.push(stored(scope, name, compared))
    }
  }
  return all
}

/** Issues that are associated with one of these records. */
export const isAssociated = (scope: TenantScope, kind: AssociatedKind, ids: readonly string[]) => {
  const termOf = createTermOf(scope.tenantId)
  return hasAny(ids.map((id) => termOf(associationName(kind), id)))
}

export const hasAny = (terms: readonly number[]) =>
  terms.length === 1 ? sql`t.terms @> ${[...terms]}::bigint[]` : sql`t.terms && ${[...terms]}::bigint[]`

/** Terms are made from what is stored, which has a Z behind a time. */
export const termValue = (kind: ValueKind, operand: string) => (kind === 'time' ? `${operand}Z` : operand)

function isAnyOf(kind: ValueKind, operands: readonly string[]): RawBuilder<unknown> {
  const all = sql`${[...operands]}::text[]`
  if (kind === 'number') return sql`${asNumber} = any(${all}::numeric[])`
  if (kind === 'time') return sql`${asTime} = any(${all})`
  return kind === 'list'
    ? sql`(p.value = any(${all}) or string_to_array(p.value, ';') && ${all})`
    : sql`p.value = any(${all})`
}

/**
 * Whether the stored value `p.value` meets the condition. The limit keeps it a query of its own: it
 * runs for what the index has found, one lookup per issue.
 */
export const stored = (scope: TenantScope, name: string, condition: RawBuilder<unknown>) => sql`(
  select ${condition} from (
    select i.properties ->> ${name}::text as value from issues i
    where i.tenant_id = ${scope.tenantId} and i.integration_id = s.integration_id and i.ticket_id = s.ticket_id
    limit 1) p)`

/**
 * The types of the properties by the definitions of the accounts. Where no definition was read yet, a
 * name may be any, and its values are text.
 *
 * @throws AppError validation_failed for a property that no account has, and for one that differs
 *   between accounts
 */
export async function findTypes(
  scope: TenantScope,
  conditions: readonly Pick<PropertyCondition, 'name' | 'refuse'>[],
  integrationId: string | undefined,
): Promise<Map<string, string>> {
  const names = [...new Set(conditions.map(({ name }) => name))]
  const only = integrationId === undefined ? sql`` : sql`and integration_id = ${integrationId}`
  const rows = await scope.query(sql<{ name: string; types: string[] | null; defined: boolean }>`
    select u.name, r.types, r.defined from unnest(${names}::text[]) u(name)
    cross join lateral (
      select array_agg(distinct property_types ->> u.name) filter (where property_types ? u.name) as types,
        coalesce(bool_or(property_types is not null), false) as defined
      from integration_resources
      where tenant_id = ${scope.tenantId} and resource = 'properties' ${only}) r`)
  const types = new Map<string, string>()
  for (const { name, types: found, defined } of rows) {
    const { refuse } = conditions.find((condition) => condition.name === name) ?? {}
    if (!defined || !refuse) continue
    if (!found) throw await unknownProperty(scope, name, refuse, integrationId)
    if (new Set(found.map(kindOf)).size > 1)
      throw refuse('names a property of different types in the accounts: give integration_id')
    types.set(name, found[0] ?? '')
  }
  return types
}

async function unknownProperty(
  scope: TenantScope,
  name: string,
  refuse: Refuse,
  integrationId: string | undefined,
): Promise<AppError> {
  const near = nearestName(name, await listPropertyNames(scope, integrationId))
  return refuse(`names a property that no account has${near ? ` (did you mean ${near}?)` : ''}`)
}
