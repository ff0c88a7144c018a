/**
 * SQL of HubSpot's search: what each operator means for the values that are stored. Over 200 lines
 * because an operator's condition on the index and the one on what is stored must agree.
 */
import { type RawBuilder, sql } from 'kysely'
import type { TenantScope } from '../db/scope.ts'
import { AppError } from '../lib/errors.ts'
import type { AssociatedKind } from './association-store.ts'
import type { SearchSort } from './hubspot-search.ts'
import type { SearchBody, SearchFilter, SearchOperator } from './hubspot-search-schema.ts'
import type { IssueFilter } from './issue-filter-store.ts'
import { kindOf, operandOf, type Refuse, type ValueKind } from './property-conditions.ts'
import {
  asNumber,
  asTime,
  findTypes,
  hasAny,
  isAssociated,
  stored,
  termValue,
} from './property-filter-store.ts'
import { hubSpotId } from './query-schema.ts'
import { createTermOf } from './search-terms.ts'
import { parsePrefixes } from './text-query.ts'
import { numbersOn, timesOn } from './value-ranges.ts'

const associations = new Map<string, AssociatedKind>([
  ['associations.contact', 'contacts'],
  ['associations.company', 'companies'],
  ['associations.deal', 'deals'],
])

/**
 * A filter as a condition on the index of content, which more issues may meet, and one on what is
 * stored. Of several groups the index finds the issues of any, so each needs the second one whole.
 */
interface Conditions {
  indexed: RawBuilder<unknown>[]
  stored: RawBuilder<unknown>
}

const refuseAt =
  (pointer: string): Refuse =>
  (rule) =>
    new AppError('validation_failed', `The field ${pointer.slice(1).replaceAll('/', '.')} ${rule}`, {
      details: [{ pointer, rule }],
    })

/** The properties that the search names, with where: its filters and its sort. */
const namesOf = ({ filterGroups = [] }: SearchBody, { property }: SearchSort) => [
  ...filterGroups.flatMap(({ filters }, group) =>
    filters
      .map(({ propertyName }, at) => ({
        name: propertyName,
        refuse: refuseAt(`/filterGroups/${group}/filters/${at}/propertyName`),
      }))
      .filter(({ name }) => !associations.has(name)),
  ),
  { name: property, refuse: refuseAt('/sorts/0') },
]

export interface PreparedSearch {
  filter: IssueFilter
  /** What the rows `s` are sorted by. */
  key: RawBuilder<unknown>
}

/**
 * @throws AppError validation_failed for a property that does not exist, a filter without its value,
 *   and a value of another type
 */
export async function prepareSearch(
  scope: TenantScope,
  body: SearchBody,
  sort: SearchSort,
  integrationId: string | undefined,
): Promise<PreparedSearch> {
  const types = await findTypes(scope, namesOf(body, sort), integrationId)
  const kindFor = (name: string) => kindOf(types.get(name) ?? null)
  const groups = (body.filterGroups ?? [])
    .map(({ filters }, group) =>
      filters.map((filter, at) =>
        conditionsOf(
          scope,
          filter,
          kindFor(filter.propertyName),
          refuseAt(`/filterGroups/${group}/filters/${at}`),
        ),
      ),
    )
    .filter((group) => group.length > 0)
  const text = body.query?.trim() ? parsePrefixes(scope.tenantId, body.query, refuseAt('/query')) : undefined
  const content = [
    ...(text ? [sql`t.words @@ ${text}::tsquery`] : []),
    ...(groups.length === 0 ? [] : [anyOf(groups.map((group) => group.flatMap((one) => one.indexed)))]),
  ]
  const ofIntegration = integrationId === undefined ? [] : [sql`s.integration_id = ${integrationId}`]
  const where = [
    sql`s.tenant_id = ${scope.tenantId}`,
    // HubSpot's search never shows archived tickets.
    sql`not s.archived`,
    ...ofIntegration,
    ...(groups.length === 0 ? [] : [anyOf(groups.map((group) => group.map((one) => one.stored)))]),
  ]
  return {
    filter: {
      where: allOf(where),
      content: content.length > 0 ? allOf(content) : undefined,
      text: undefined,
    },
    key: keyOf(scope, sort, kindFor(sort.property)),
  }
}

const allOf = (conditions: readonly RawBuilder<unknown>[]) =>
  conditions.length === 0 ? sql`true` : sql`(${sql.join(conditions, sql` and `)})`
const anyOf = (groups: readonly (readonly RawBuilder<unknown>[])[]) =>
  sql`(${sql.join(groups.map(allOf), sql` or `)})`

const numbersAndTimes: readonly ValueKind[] = ['number', 'time']

/**
 * A ticket without a value meets neither an operator nor its negation. HubSpot does not document the
 * negations.
 */
function conditionsOf(scope: TenantScope, filter: SearchFilter, kind: ValueKind, refuse: Refuse): Conditions {
  const { propertyName: name, operator } = filter
  const kindOfRecord = associations.get(name)
  if (kindOfRecord) return ofRecords(scope, kindOfRecord, filter, refuse)
  const termOf = createTermOf(scope.tenantId)
  const hasValue = hasAny([termOf(name)])
  if (operator === 'HAS_PROPERTY')
    return { indexed: [hasValue], stored: stored(scope, name, sql`p.value <> ''`) }
  if (operator === 'NOT_HAS_PROPERTY')
    return { indexed: [sql`not ${hasValue}`], stored: stored(scope, name, sql`coalesce(p.value, '') = ''`) }
  if (operator.endsWith('CONTAINS_TOKEN'))
    return { indexed: [hasValue], stored: stored(scope, name, hasTokens(filter, refuse)) }
  const operand = (value: string) => operandOf(kind, value, refuse)
  const given = valuesOf(filter, refuse).map(operand)
  const condition = stored(scope, name, compared(operator, kind, given))
  if (operator === 'EQ' || operator === 'IN')
    return {
      indexed: [hasAny(given.map((value) => termOf(name, termValue(kind, value))))],
      stored: condition,
    }
  const ranges = numbersAndTimes.includes(kind) ? rangesOf(operator, kind, given) : []
  return {
    indexed: [hasValue, ...ranges.map((some) => hasAny(some.map((range) => termOf(name, range))))],
    stored: condition,
  }
}

/** The values that the operator needs. @throws AppError validation_failed when one is missing */
function valuesOf({ operator, value, highValue, values }: SearchFilter, refuse: Refuse): string[] {
  if (operator === 'IN' || operator === 'NOT_IN') {
    if (!values || values.length === 0) throw refuse(`needs values for ${operator}`)
    return values
  }
  if (value === undefined || value === '') throw refuse(`needs a value for ${operator}`)
  if (operator !== 'BETWEEN') return [value]
  if (highValue === undefined || highValue === '') throw refuse('needs a highValue for BETWEEN')
  return [value, highValue]
}

function ofRecords(
  scope: TenantScope,
  kind: AssociatedKind,
  filter: SearchFilter,
  refuse: Refuse,
): Conditions {
  if (filter.operator !== 'EQ' && filter.operator !== 'IN')
    throw refuse('supports EQ and IN for associations')
  const ids = valuesOf(filter, refuse)
  if (!ids.every((id) => hubSpotId.safeParse(id).success)) throw refuse('must be HubSpot’s id, in digits')
  const has = ids.map((id) => sql`a.associations -> ${kind}::text @> ${JSON.stringify([{ id }])}::jsonb`)
  return {
    indexed: [isAssociated(scope, kind, ids)],
    stored: sql`(
      select coalesce(${sql.join(has, sql` or `)}, false) from issue_associations a
      where a.tenant_id = ${scope.tenantId} and a.integration_id = s.integration_id and a.ticket_id = s.ticket_id
      limit 1)`,
  }
}

function rangesOf(
  operator: SearchOperator,
  kind: ValueKind,
  [low = '', high = '']: readonly string[],
): string[][] {
  const on = (side: 'up' | 'down', value: string) =>
    kind === 'number' ? numbersOn(side, Number(value)) : timesOn(side, value)
  if (operator === 'BETWEEN') return [on('up', low), on('down', high)]
  if (operator.startsWith('GT')) return [on('up', low)]
  return operator.startsWith('LT') ? [on('down', low)] : []
}

const symbols: Partial<Record<SearchOperator, RawBuilder<unknown>>> = {
  EQ: sql`=`,
  NEQ: sql`<>`,
  LT: sql`<`,
  LTE: sql`<=`,
  GT: sql`>`,
  GTE: sql`>=`,
}

/** The condition on the stored value `p.value`; null, as of an empty value, is not true. */
function compared(operator: SearchOperator, kind: ValueKind, given: readonly string[]): RawBuilder<unknown> {
  const [low = '', high = ''] = given
  const isNumber = kind === 'number'
  const value = isNumber ? asNumber : kind === 'time' ? asTime : kind === 'list' ? sql`p.value` : folded
  // HubSpot compares text without regard to case, but takes the values of a list as they are.
  const fold = kind === 'text' && operator !== 'IN' && operator !== 'NOT_IN'
  const operand = (one: string) =>
    isNumber ? sql`${one}::numeric` : fold ? sql`lower(${one}::text)` : sql`${one}::text`
  const all = isNumber ? sql`${[...given]}::numeric[]` : sql`${[...given]}::text[]`
  const isOne =
    kind === 'list'
      ? sql`(p.value = any(${all}) or string_to_array(p.value, ';') && ${all})`
      : sql`${value} = any(${all})`
  if (operator === 'IN' || (operator === 'EQ' && kind === 'list')) return sql`p.value <> '' and ${isOne}`
  if (operator === 'NOT_IN' || (operator === 'NEQ' && kind === 'list'))
    return sql`p.value <> '' and not ${isOne}`
  if (operator === 'BETWEEN') return sql`${value} >= ${operand(low)} and ${value} <= ${operand(high)}`
  return sql`p.value <> '' and ${value} ${symbols[operator] ?? sql`=`} ${operand(low)}`
}

const folded = sql`(lower(p.value) collate "C")`

/** Whole words, without regard to case; a star stands for the rest of a word. All must be there. */
function hasTokens(filter: SearchFilter, refuse: Refuse): RawBuilder<unknown> {
  const [value = ''] = valuesOf(filter, refuse)
  const tokens = value.toLowerCase().match(/[\p{L}\p{N}_*]+/gu) ?? []
  const patterns = tokens.map(
    (token) => `(^|[^[:alnum:]_])${token.replace(/\*+/g, '[[:alnum:]_]*')}($|[^[:alnum:]_])`,
  )
  // No word at all is in no text.
  const has =
    patterns.length === 0 ? sql`false` : allOf(patterns.map((pattern) => sql`lower(p.value) ~ ${pattern}`))
  return sql`p.value <> '' and ${filter.operator === 'CONTAINS_TOKEN' ? has : sql`not ${has}`}`
}

/** Columns of the index that have the property's value. */
function keyOf(scope: TenantScope, { property }: SearchSort, kind: ValueKind): RawBuilder<unknown> {
  if (property === 'createdate') return sql`s.created_at`
  if (property === 'hs_lastmodifieddate') return sql`s.modified_at`
  // Digits, so that longer ones are larger.
  if (property === 'hs_object_id' || property === 'hs_ticket_id')
    return sql`lpad(s.ticket_id, 20, '0') collate "C"`
  const value = kind === 'number' ? asNumber : kind === 'time' ? asTime : folded
  return stored(scope, property, sql`case when p.value <> '' then ${value} end`)
}
