/** Issues as CSV (RFC 4180). Pure. */
import { fieldNames, idFields, namesIn } from './issue-fields.ts'

/** Columns of single properties begin with this. */
export const propertyPrefix = 'properties.'

/**
 * @param given as for `fieldsOf`; undefined: all that fit in one cell
 * @param properties the names of all properties
 */
export function columnsOf(given: readonly string[] | undefined, properties: readonly string[]): string[] {
  const names = given ? namesIn(given) : fieldNames.filter((name) => name !== 'associations')
  const all = [...idFields, ...names].flatMap((name) =>
    name === 'properties' ? properties.map((property) => propertyPrefix + property) : name,
  )
  return [...new Set(all)]
}

type Cells = Readonly<Record<string, unknown>>

/** @param safe see `cell` */
export function csvLine(columns: readonly string[], issue: Cells, safe: boolean): string {
  const properties = (issue.properties ?? {}) as Cells
  const values = columns.map((column) =>
    column.startsWith(propertyPrefix) ? properties[column.slice(propertyPrefix.length)] : issue[column],
  )
  return `${values.map((value) => cell(textOf(value), safe)).join(',')}\r\n`
}

export const csvHeader = (columns: readonly string[]) =>
  `${columns.map((name) => cell(name, false)).join(',')}\r\n`

/** There is no null in CSV: it is an empty cell. */
const textOf = (value: unknown) =>
  value === null || value === undefined
    ? ''
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value)

/** What spreadsheets take for a formula, also in the full width of East Asian text. */
const formula = /^[=+\-@\t\r\n＝＋－＠]/
const number = /^[+-]?\d+(\.\d+)?$/

/** @param safe marks what a spreadsheet would calculate as a text; a number may stay one */
function cell(text: string, safe: boolean): string {
  const shown = safe && formula.test(text) && !number.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(shown) ? `"${shown.replaceAll('"', '""')}"` : shown
}
