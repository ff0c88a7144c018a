/** Builds a row for any table from its catalogue description. */
import { randomInt } from 'node:crypto'
import { newId } from '../lib/ids.ts'
import { columnExamples } from './examples.ts'
import type { Column, Table } from './tenant-tables.ts'

/** What all rows of a tenant have in common. */
export interface TenantMarks {
  /** Appears in every text of this tenant, and of no other. */
  word: string
  /**
   * Column -> value, for columns with the same meaning in several tables: `tenant_id`,
   * `integration_id`.
   */
  ids: Record<string, string>
}

/**
 * Rows to try in order: without nullable times, with every column, then with only the required
 * ones. The fullest come first, so that a leak of any column shows.
 */
export function candidateRows(table: Table, marks: TenantMarks): Record<string, unknown>[] {
  const filled = (columns: Column[]) =>
    Object.fromEntries(columns.map((column) => [column.name, valueFor(table, column, marks)]))
  const required = table.columns.filter(({ name, required }) => required || marks.ids[name] !== undefined)
  // A nullable time often marks something as ended, so the first row leaves these out.
  const lasting = table.columns.filter((one) => one.required || !one.type.startsWith('timestamp'))
  return [filled(lasting), filled(table.columns), filled(required)]
}

function valueFor(table: Table, { name, type }: Column, { word, ids }: TenantMarks): unknown {
  const example = columnExamples[`${table.name}.${name}`]
  if (example) return example(word)
  const known = name === ownKeyColumn(table) ? undefined : ids[name]
  if (known !== undefined) return known
  const [allowed] = wordsOf(table.checks, name)
  if (allowed !== undefined) return allowed
  const text = `${word}-${table.name}-${name}`
  if (type.endsWith('[]')) return type.startsWith('text') ? [text] : []
  if (type === 'uuid') return newId()
  if (type === 'smallint') return 200
  if (/^(integer|bigint)$/.test(type)) return randomInt(1, 2 ** 31)
  if (/^(double|real|numeric)/.test(type)) return 1
  if (type === 'boolean') return false
  if (type.startsWith('timestamp')) return new Date(Date.now() + 3_600_000).toISOString()
  if (type === 'date') return '2030-01-01'
  if (type === 'interval') return '1 hour'
  if (type === 'inet') return '192.0.2.1'
  if (type === 'bytea') return `\\x${Buffer.from(text).toString('hex')}`
  return /^jsonb?$/.test(type) ? { text } : text
}

/** The column that alone identifies a row within the tenant, unless it references another table. */
export function ownKeyColumn({ key, references }: Table): string | undefined {
  const own = key.filter((column) => column !== 'tenant_id')
  return own.length === 1 && own[0] && !references[own[0]] ? own[0] : undefined
}

/** The values that a check constraint allows for a column, in PostgreSQL's format. */
const wordsOf = (checks: readonly string[], column: string): string[] =>
  checks.flatMap((check) => {
    const [, list = ''] = new RegExp(`\\(${column} = (?:ANY \\()?(.*)`).exec(check) ?? []
    return [...list.matchAll(/'((?:[^']|'')*)'::text/g)].map(([, value]) => value as string)
  })
