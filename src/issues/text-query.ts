/** What a caller searches for: words, "phrases" and -exclusions, and where they occur in a text. Pure. */
import { AppError } from '../lib/errors.ts'
import { type Word, wordPrefix, wordsOf } from './words.ts'

/** Words that follow each other. */
interface Phrase {
  words: string[]
  /** Its last word is the beginning of a word. */
  isPrefix: boolean
}

export interface TextQuery {
  /** In the form of PostgreSQL's tsquery, for the tenant's words. */
  tsquery: string
  wanted: Phrase[]
}

/** Words of one query: each costs a lookup for each issue that is found. */
const maxWords = 32

/** Characters of a query. */
export const maxQueryLength = 500

/** An exclusion begins after a space: the hyphen within a word does not exclude its second half. */
const parts =
  /(?<=^|\s)(?<minus>-?)"(?<quoted>[^"]*)"?|(?<=^|\s)(?<not>-?)(?<plain>[^\s"]+)|"(?<inner>[^"]*)"?|[^\s"]+/g

const invalid = (rule: string) =>
  new AppError('validation_failed', `The query parameter q ${rule}`, {
    details: [{ pointer: '/q', parameter: 'q', rule }],
  })

/**
 * Reads what was typed. No operators but quotes and a minus; every other character only separates
 * words. What is written without spaces, such as an address, is a phrase. The last word may be
 * unfinished.
 *
 * @throws AppError validation_failed when nothing is left to search for
 */
export function parseTextQuery(tenantId: string, q: string): TextQuery {
  const prefix = wordPrefix(tenantId)
  const phrases: (Phrase & { isExcluded: boolean })[] = []
  let count = 0
  for (const match of q.matchAll(parts)) {
    const { minus, quoted, not, plain, inner } = match.groups ?? {}
    const isQuoted = quoted !== undefined || inner !== undefined
    const found = wordsOf(quoted ?? inner ?? plain ?? match[0])
    const last = found.at(-1)
    if (!last) continue
    count += found.length
    const isExcluded = (minus || not) === '-'
    const isLast = match.index + match[0].length === q.length
    phrases.push({
      words: found.map(({ text }) => text),
      isPrefix: isLast && !isQuoted && !isExcluded && !last.isLetter,
      isExcluded,
    })
  }
  if (count > maxWords) throw invalid(`must have at most ${maxWords} words`)
  const wanted = phrases.filter(({ isExcluded }) => !isExcluded)
  if (wanted.length === 0)
    throw invalid(
      phrases.length === 0 ? 'must have a letter or a digit' : 'must have a word that is not excluded',
    )
  const tsquery = phrases
    .map((phrase) => {
      const words = phrase.words.map(
        (text, at) => `'${prefix}${text}'${phrase.isPrefix && at === phrase.words.length - 1 ? ':*' : ''}`,
      )
      return `${phrase.isExcluded ? '!' : ''}(${words.join(' <-> ')})`
    })
    .join(' & ')
  return { tsquery, wanted }
}

/**
 * A tsquery for the words of a text, in any order, each the beginning of a word: as HubSpot searches.
 *
 * @throws AppError validation_failed when there is no word, or there are too many
 */
export function parsePrefixes(tenantId: string, text: string, refuse: (rule: string) => AppError): string {
  const words = wordsOf(text)
  if (words.length === 0) throw refuse('must have a letter or a digit')
  if (words.length > maxWords) throw refuse(`must have at most ${maxWords} words`)
  const prefix = wordPrefix(tenantId)
  return words.map((word) => `'${prefix}${word.text}':*`).join(' & ')
}

/** A part of a text with words that were searched for. */
export interface Fragment {
  text: string
  /** Where the words stand in `text`, first and behind the last character, in UTF-16 units. */
  indices: [number, number][]
}

/** Characters of a fragment, and of those how many before the first word found. */
const fragmentLength = 160
const before = 40
/** Words of a text that are looked at. */
const maxTextWords = 16_000

/** The first place of the text that has what was searched for; undefined: it has none. */
export function findFragment(text: string, { wanted }: TextQuery): Fragment | undefined {
  const words = wordsOf(text, maxTextWords)
  const hits = new Set<number>()
  for (const phrase of wanted)
    for (let at = 0; at + phrase.words.length <= words.length; at++)
      if (matchesAt(words, at, phrase)) for (let k = 0; k < phrase.words.length; k++) hits.add(at + k)
  const [first] = [...hits].sort((a, b) => a - b)
  if (first === undefined) return undefined
  const from = startOf(words, first)
  const until = endOf(text, from)
  const indices = [...hits]
    .sort((a, b) => a - b)
    .map((at) => words[at] as Word)
    .filter(({ end }) => end <= until)
    .map(({ start, end }): [number, number] => [start - from, end - from])
  return { text: text.slice(from, until), indices: joined(indices) }
}

const matchesAt = (words: readonly Word[], at: number, { words: wanted, isPrefix }: Phrase) =>
  wanted.every((one, k) => {
    const { text = '' } = words[at + k] ?? {}
    return isPrefix && k === wanted.length - 1 ? text.startsWith(one) : text === one
  })

/** The beginning of a word, not far before the first one found. */
function startOf(words: readonly Word[], first: number): number {
  const { start } = words[first] as Word
  if (start <= before) return 0
  return words.find((word) => word.start >= start - before)?.start ?? start
}

/** Does not cut a character that takes two units. */
function endOf(text: string, from: number): number {
  const end = Math.min(text.length, from + fragmentLength)
  const isCut = end < text.length && /[\udc00-\udfff]/.test(text[end] ?? '')
  return isCut ? end - 1 : end
}

/** Letters of a script without spaces, found next to each other, are one place. */
function joined(indices: readonly [number, number][]): [number, number][] {
  const all: [number, number][] = []
  for (const [start, end] of indices) {
    const last = all.at(-1)
    if (last && last[1] === start) last[1] = end
    else all.push([start, end])
  }
  return all
}
