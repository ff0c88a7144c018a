/** The tables of the schema, as schema.sql has them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const schema = join(import.meta.dirname, '../../schema.sql')

/** Each table with the first word of its mark: distributed, reference or local. */
export const tablesOfSchema = (): { name: string; mark: string }[] =>
  [...readFileSync(schema, 'utf8').matchAll(/^-- (\w+): (\w+).*\nCREATE (?:UNLOGGED )?TABLE/gm)].map(
    ([, name = '', mark = '']) => ({ name, mark }),
  )
