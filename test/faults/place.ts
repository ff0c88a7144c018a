/**
 * Where a fault goes: found by the name of a declaration and the code in it, so that neither a moved file nor a new line
 * break hides it.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Fault } from './fault.ts'

export interface Place {
  /** Relative to the root of the tree. */
  file: string
  /** The file's text with the fault in it. */
  planted: string
}

const folders = ['src', 'migrations']

/** Path to text, of all code that a fault may be planted in. */
export function readSources(root: string): ReadonlyMap<string, string> {
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(ts|sql)$/.test(file))
      .map((file) => join(folder, file)),
  )
  return new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]))
}

/** @throws Error when the code is not found, or in more than one place */
export function placeOf(
  { name, in: declared, find, put }: Fault,
  sources: ReadonlyMap<string, string>,
): Place {
  const code = patternOf(find)
  const found: Place[] = []
  for (const [file, text] of sources) {
    for (const [from, to] of declared === undefined ? [[0, text.length]] : declarationsOf(declared, text)) {
      for (const { 0: hit, index } of text.slice(from, to).matchAll(code)) {
        const at = from + index
        found.push({ file, planted: text.slice(0, at) + put.trim() + text.slice(at + hit.length) })
      }
    }
  }
  const [place] = found
  if (!place || found.length > 1) {
    const where = declared === undefined ? 'the sources' : `a declaration of ${declared}`
    throw new Error(`${name}: its code occurs ${found.length} times in ${where}, not once`)
  }
  return place
}

/** The code, whatever its white space and trailing commas. */
function patternOf(code: string): RegExp {
  const tokens = code.match(/\w+|[^\w\s]/g) ?? []
  const source = tokens
    .map((token) => token.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'))
    .map((token) => (/^\\[)\]}]$/.test(token) ? `,?\\s*${token}` : token))
  return new RegExp(source.join('\\s*'), 'g')
}

/** A declaration of the outermost level ends where the next one begins: the code is formatted. */
function* declarationsOf(declared: string, text: string): Generator<[number, number]> {
  const heads = /^(?:export )?(?:default )?(?:async )?(?:function\*?|const|let|class|interface|type) +(\w+)/gm
  for (const { 0: head, 1: name, index } of text.matchAll(heads)) {
    if (name !== declared) continue
    const behind = index + head.length
    const next = text
      .slice(behind)
      .search(/\n(?:\/\*\*|\/\/|import |export |async |function|const |let |class |interface |type )/)
    yield [index, next === -1 ? text.length : behind + next]
  }
}
