/**
 * What the search index has of an issue besides its columns: its words, and numbers that stand for
 * its property values and associations. Pure.
 */
import { createHash } from 'node:crypto'
import { parseTime } from '../hubspot/time.ts'
import { millisecondsForm, numberForm, rangesOfNumber, rangesOfTime } from './value-ranges.ts'
import { foldedWordsOf, wordPrefix } from './words.ts'

/** An issue as far as it is indexed. */
export interface IndexedContent {
  ticket_id: string
  properties: Record<string, string | null>
  /** By kind. */
  associations: Record<string, readonly { id: string }[] | null> | null
}

export interface SearchTerms {
  ticket_id: string
  /** In the form of PostgreSQL's tsvector. */
  words: string
  terms: number[]
}

/** Words of one issue. A position above 16,383 would not be kept. */
const maxWords = 16_000
/** A tsvector has at most 1 MiB. With what a word and each of its positions take there. */
const [maxVectorBytes, bytesPerWord, bytesPerPosition] = [1_000_000, 8, 2]
/** PostgreSQL keeps no more positions of one word. */
const maxPositions = 255
/** Between subject and content, so that no phrase begins in one and ends in the other. */
const gap = 10

/** Longer values are not indexed: a query cannot name them. */
export const maxIndexedValue = 200

/** Values of one property that is a list. */
const maxListed = 100

/**
 * Turns the issues of one tenant into what is indexed. A term is a number made from a name and a value. Two values can have the same number, and a
 * value is put in one form whatever its type is, so a query compares the values of what it finds.
 */
export function createTermsOf(tenantId: string): (issue: IndexedContent) => SearchTerms {
  const prefix = wordPrefix(tenantId)
  const termOf = createTermOf(tenantId)
  return ({ ticket_id, properties, associations }) => {
    const terms = new Set<number>()
    for (const name in properties) {
      const value = properties[name]
      if (value === null || value === undefined || value === '') continue
      terms.add(termOf(name))
      for (const one of indexedValuesOf(value))
        if (one.length <= maxIndexedValue) terms.add(termOf(name, one))
    }
    for (const [kind, records] of Object.entries(associations ?? {}))
      for (const { id } of records ?? []) terms.add(termOf(associationName(kind), id))
    const words = new Map<string, string[]>()
    let position = 1
    let room = maxVectorBytes
    const add = (text: string | null | undefined, weight: string) => {
      if (!text) return
      for (const { text: word } of foldedWordsOf(text, maxWords - position)) {
        const key = `${prefix}${word}`
        const positions = words.get(key) ?? []
        // A character takes at most three bytes for each of its UTF-16 units.
        room -= positions.length === 0 ? 3 * key.length + bytesPerWord : bytesPerPosition
        if (room < 0) return
        if (positions.length === 0) words.set(key, positions)
        if (positions.length < maxPositions) positions.push(`${position}${weight}`)
        position += 1
      }
      position += gap
    }
    add(ticket_id, 'A')
    add(properties.subject, 'A')
    add(properties.content, '')
    return {
      ticket_id,
      words: [...words].map(([word, positions]) => `'${word}':${positions.join(',')}`).join(' '),
      terms: [...terms],
    }
  }
}

/** The name of associations among those of properties. No property has this form of name. */
export const associationName = (kind: string) => `@${kind}`

/** Makes the term of a name, or of a name and a value. Each tenant has its own. */
export function createTermOf(tenantId: string): (name: string, value?: string) => number {
  const seed = createHash('sha256').update(tenantId).digest()
  const [a, b] = [seed.readUInt32LE(0), seed.readUInt32LE(4)]
  return (name, value) => {
    // Of an associated record, the id itself.
    const text = value === undefined ? name : `${name}=${name.startsWith('@') ? value : comparable(value)}`
    let [high, low] = [a, b]
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i)
      high = Math.imul(high ^ unit, 0x01000193)
      low = Math.imul(low ^ unit, 0x85ebca6b)
      low ^= low >>> 13
    }
    high ^= high >>> 15
    low ^= low >>> 16
    // 53 bits: a whole number of JavaScript.
    return (high & 0x1fffff) * 0x1_0000_0000 + (low >>> 0)
  }
}

/** The value, the ranges that contain it if it is a number or a time, and its parts if it is a list. */
function indexedValuesOf(value: string): string[] {
  if (value.length > maxIndexedValue) return value.includes(';') ? value.split(';', maxListed) : []
  const time = date.test(value) || millisecondsForm.test(value) ? parseTime(value) : null
  return [
    value,
    ...(time === null ? [] : [time, ...rangesOfTime(time)]),
    ...(numberForm.test(value) ? rangesOfNumber(Number(value)) : []),
    ...(value.includes(';') ? value.split(';', maxListed) : []),
  ]
}

const date = /^\d{4}-\d\d-\d\d(?:T|$)/

/**
 * One form for values that are equal as numbers, as times or without regard to case. Types are not
 * used: an account's definitions change, and a value would have to be indexed again. Of a time only
 * the day: most times occur once, and each term that is new makes the index larger.
 */
function comparable(value: string): string {
  if (numberForm.test(value)) return String(Number(value))
  if (date.test(value)) {
    const time = parseTime(value)
    if (time !== null) return time.slice(0, 10)
  }
  return value.toLowerCase()
}
