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

/** Only ASCII letters and digits: nearly all words of most texts. */
const plain = /^[\dA-Za-z]*$/

/** Accents of Latin, Greek and Cyrillic letters. The marks of other scripts are vowels. */
const accents = /[\u0300-\u036f]/g

function fold(text: string): string {
  const cut = text.length > maxWord ? text.slice(0, maxWord).toWellFormed() : text
  if (plain.test(cut)) return cut.toLowerCase()
  return cut.normalize('NFKD').replace(accents, '').normalize('NFC').toLowerCase()
}

/** The first `atMost` words of the text. */
export function wordsOf(text: string, atMost = Number.POSITIVE_INFINITY): Word[] {
  const words: Word[] = []
  anyWord.lastIndex = 0
  while (words.length < atMost) {
    const found = anyWord.exec(text)
    if (!found) break
    const folded = fold(found[0])
    // What is left of a fold may be no word: a mark alone.
    if (folded === '') continue
    words.push({
      text: folded,
      start: found.index,
      end: found.index + found[0].length,
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
