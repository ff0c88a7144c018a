/** What a caller searches for: words, "phrases" and -exclusions, and where they occur in a text. Pure. */
import { AppError } from '../lib/errors.ts'
import { foldedWordsOf, type Word, wordPrefix, wordsOf } from './words.ts'

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
const maxQueryWords = 32

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
    const found = foldedWordsOf(quoted ?? inner ?? plain ?? match[0], maxQueryWords + 1)
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
  if (count > maxQueryWords) throw invalid(`must have at most ${maxQueryWords} words`)
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
  const words = foldedWordsOf(text, maxQueryWords + 1)
  if (words.length === 0) throw refuse('must have a letter or a digit')
  if (words.length > maxQueryWords) throw refuse(`must have at most ${maxQueryWords} words`)
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
const maxTextWords = 2_000

/**
 * The first place of the text that has what was searched for, among its first 2,000 words; undefined:
 * it has none there.
 */
export function findFragment(text: string, { wanted }: TextQuery): Fragment | undefined {
  const words = wordsOf(text, maxTextWords)
  // Most are single words.
  const whole = new Set(wanted.filter(isSingle).map(({ words }) => words[0]))
  const others = wanted.filter((phrase) => !isSingle(phrase))
  const from = words.findIndex((_, at) => lengthAt(words, at, whole, others) > 0)
  if (from < 0) return undefined
  const start = startOf(words, from)
  const end = endOf(text, start)
  const indices: [number, number][] = []
  for (let at = from; at < words.length && (words[at] as Word).start < end; ) {
    const length = lengthAt(words, at, whole, others)
    for (const word of words.slice(at, at + length))
      if (word.end <= end) indices.push([word.start - start, word.end - start])
    at += Math.max(1, length)
  }
  return { text: text.slice(start, end), indices: joined(indices) }
}

const isSingle = ({ words, isPrefix }: Phrase) => words.length === 1 && !isPrefix

/** How many words from this one on were searched for. */
function lengthAt(
  words: readonly Word[],
  at: number,
  whole: ReadonlySet<string | undefined>,
  others: readonly Phrase[],
): number {
  const lengths = others.filter((phrase) => matchesAt(words, at, phrase)).map(({ words }) => words.length)
  return Math.max(whole.has(words[at]?.text) ? 1 : 0, ...lengths)
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
