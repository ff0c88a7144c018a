/**
 * The words of a text, as the search index and queries see them. Not PostgreSQL's own parser: what it
 * takes for a word depends on the server's locale, and it keeps a text without spaces in one piece. Pure.
 */
import { createHash } from 'node:crypto'

export interface Word {
  /** As compared: lower case, without accents and other variants of its letters. */
  text: string
  /** Where it stands in the text, in UTF-16 units. */
  start: number
  end: number
  /** A letter of a script that has no spaces between words. */
  isLetter: boolean
}

/** Scripts without spaces between words, and Korean, which joins particles to them: each letter is a word. */
const spaceless =
  '[\\p{scx=Han}\\p{scx=Hira}\\p{scx=Kana}\\p{scx=Hang}\\p{scx=Thai}\\p{scx=Laoo}\\p{scx=Khmr}\\p{scx=Mymr}]'
const letter = String.raw`(?:(?=[\p{L}\p{N}])${spaceless})\p{M}*`
const word = String.raw`(?:(?!${spaceless})[\p{L}\p{N}]\p{M}*)+`
const anyWord = new RegExp(`(?<letter>${letter})|${word}`, 'gu')

/** Characters of a word that are compared; the rest of a longer one, such as encoded data, is ignored. */
const maxWord = 64

/** Nearly all texts of most accounts. */
const isAscii = /^[\0-\x7f]*$/

/**
 * Accents of Latin, Greek and Cyrillic letters, vowel signs of Hebrew and Arabic, which are mostly left
 * out, and characters without a shape, such as soft hyphens. The marks of other scripts are vowels.
 */
const ignored = /[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670]|\p{Cf}/gu

const fold = (text: string): string =>
  isAscii.test(text)
    ? text.toLowerCase()
    : text.normalize('NFKD').replace(ignored, '').normalize('NFC').toLowerCase()

const cut = (text: string) => (text.length > maxWord ? text.slice(0, maxWord).toWellFormed() : text)

/** The first `atMost` words of a text as they are compared, without where they stand. */
export function foldedWordsOf(text: string, atMost: number): Pick<Word, 'text' | 'isLetter'>[] {
  const words: Pick<Word, 'text' | 'isLetter'>[] = []
  // A letter may become several words, or part of another.
  for (const found of fold(text).matchAll(anyWord)) {
    if (words.length >= atMost) break
    words.push({ text: cut(found[0]), isLetter: found.groups?.letter !== undefined })
  }
  return words
}

/** The first `atMost` words of a text, with where they stand in it. */
export function wordsOf(text: string, atMost: number): Word[] {
  const words: Word[] = []
  for (const found of text.matchAll(anyWord)) {
    if (words.length >= atMost) break
    const [whole] = found
    words.push({
      text: cut(fold(whole)),
      start: found.index,
      end: found.index + whole.length,
      isLetter: found.groups?.letter !== undefined,
    })
  }
  return words
}

/**
 * What each word of a tenant begins with in the index. So each tenant's words are next to each other
 * there: a search reads only its own, and needs no index of two columns.
 */
export const wordPrefix = (tenantId: string): string =>
  createHash('sha256').update(tenantId).digest('hex').slice(0, 4)
