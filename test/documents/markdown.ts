/** Reads the documents of this project, as far as the tests need to. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '../..')

export const read = (path: string): string => readFileSync(join(root, path), 'utf8')

export const matches = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map((found) => found[1] as string)

/** Every document that is ours. */
export const documents = (): string[] =>
  globSync('**/*.md', { cwd: root, exclude: (path) => /^(node_modules|data)$/.test(path) })
    .filter((path) => !path.includes('node_modules'))
    .sort()

/** The text without fenced blocks, whose content is no markdown. */
export const prose = (text: string): string => text.replace(/^```.*\n[\s\S]*?^```$/gm, '')

export interface Block {
  /** The info string of the opening fence: `json`, `json 200`, `sh`. */
  info: string
  text: string
  /** The last heading before it. */
  heading: string
}

export function blocksOf(text: string): Block[] {
  const blocks: Block[] = []
  for (const { 1: info = '', 2: inside = '', index } of text.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)) {
    const heading = headingsOf(prose(text.slice(0, index))).at(-1) ?? ''
    blocks.push({ info, text: inside, heading })
  }
  return blocks
}

/** Without the backticks. */
export const headingsOf = (text: string): string[] =>
  matches(prose(text), /^#{1,6} (.+)$/gm).map((heading) => heading.replaceAll('`', ''))

/** A section's text, from its heading to the next of the same or a higher rank. */
export function section(text: string, heading: string): string {
  const [, marks = '', rest = ''] =
    new RegExp(`^(#+) ${heading}$\\n([\\s\\S]*)`, 'm').exec(text) ?? missing(heading)
  return rest.split(new RegExp(`^#{1,${marks.length}} `, 'm'))[0] as string
}

function missing(heading: string): never {
  throw new Error(`no heading "${heading}"`)
}

/** As GitHub makes them. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>()
  for (const heading of headingsOf(text)) {
    const slug = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-')
    let anchor = slug
    for (let again = 1; anchors.has(anchor); again++) anchor = `${slug}-${again}`
    anchors.add(anchor)
  }
  return anchors
}
