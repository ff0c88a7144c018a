/** Searches for secrets in everything that was written, in every encoding. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../../src/db/database.ts'

/** What a secret is, and its bytes. */
export interface Canary {
  what: string
  bytes: Buffer
}

export const canary = (what: string, secret: string | Uint8Array): Canary => ({
  what,
  bytes: typeof secret === 'string' ? Buffer.from(secret, 'utf8') : Buffer.from(secret),
})

/** Within a longer encoded text, base64 differs at each of three offsets; the edges depend on neighbors. */
function base64Inside(bytes: Buffer, form: 'base64' | 'base64url'): string[] {
  return [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString(form)
      .replace(/=+$/, '')
    const whole = Math.floor(((offset + bytes.length) * 8) / 6)
    return text.slice(offset === 0 ? 0 : offset + 1, whole)
  })
}

/** Each form, by its name; a form equal to an earlier one is left out. */
export function formsOf({ bytes }: Canary): [form: string, text: Buffer][] {
  const hex = bytes.toString('hex')
  const forms: [string, string | Buffer][] = [
    ['plain', bytes],
    ...base64Inside(bytes, 'base64').map((text): [string, string] => ['base64', text]),
    ...base64Inside(bytes, 'base64url').map((text): [string, string] => ['base64url', text]),
    ['base64 percent-encoded', encodeURIComponent(bytes.toString('base64'))],
    ['hex', hex],
    ['hex in capitals', hex.toUpperCase()],
    ['every byte percent-encoded', hex.toUpperCase().replace(/../g, '%$&')],
    ['every byte percent-encoded', hex.replace(/../g, '%$&')],
    // What JSON and URLs make of bytes that are text.
    ['percent-encoded', encodeURIComponent(bytes.toString('utf8'))],
    ['JSON in JSON', JSON.stringify(JSON.stringify(bytes.toString('utf8'))).slice(3, -3)],
    ['reversed', bytes.toString('latin1').split('').reverse().join('')],
  ]
  const texts = forms.map(([form, text]): [string, Buffer] => [form, Buffer.from(text as string)])
  return texts.filter(([, text], at) => texts.findIndex(([, other]) => other.equals(text)) === at)
}

/** A place where something was written. */
export interface Place {
  name: string
  content: Buffer
}

export interface Found {
  what: string
  form: string
  place: string
}

export function search(places: readonly Place[], canaries: readonly Canary[]): Found[] {
  const found: Found[] = []
  for (const one of canaries)
    for (const [form, text] of formsOf(one))
      for (const { name, content } of places)
        if (content.includes(text)) found.push({ what: one.what, form, place: name })
  return found
}

/** Every row of every table of the catalogue as text, the migrations' too. */
export async function dumpOf(db: Database): Promise<Place[]> {
  const ask = async <Row>(statement: RawBuilder<Row>) => (await statement.execute(db.kysely)).rows
  const tables = await ask(sql<{ name: string }>`
    select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'm') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') order by 1`)
  const places: Place[] = []
  for (const { name } of tables) {
    const rows = await ask(sql.raw<{ row: string }>(`select t::text as row from ${name} t`))
    places.push({ name: `table ${name}`, content: Buffer.from(rows.map(({ row }) => row).join('\n')) })
  }
  return places
}

/** Every file below a directory, byte for byte. */
export function filesOf(directory: string): Place[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => ({ name: `file ${path}`, content: readFileSync(path) }))
}
