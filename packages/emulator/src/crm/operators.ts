// What each search operator means for numbers, text, enumerations and words.
import type { Definition } from './definitions.ts'

export function numberTest(
  operator: string,
  value: number,
  high: number,
  values: readonly number[],
): (n: number) => boolean {
  switch (operator) {
    case 'EQ':
      return (n) => n === value
    case 'NEQ':
      return (n) => n !== value
    case 'LT':
      return (n) => n < value
    case 'LTE':
      return (n) => n <= value
    case 'GT':
      return (n) => n > value
    case 'GTE':
      return (n) => n >= value
    case 'BETWEEN':
      return (n) => n >= value && n <= high
    case 'IN':
      return (n) => values.includes(n)
    case 'NOT_IN':
      return (n) => !values.includes(n)
    case 'HAS_PROPERTY':
      return () => true
    case 'CONTAINS_TOKEN':
      return (n) => String(n) === String(value)
    case 'NOT_CONTAINS_TOKEN':
      return (n) => String(n) !== String(value)
    default:
      return () => false
  }
}

export function textTest(
  operator: string,
  value: string,
  high: string,
  values: readonly string[],
): (text: string) => boolean {
  switch (operator) {
    case 'LT':
      return (text) => text < value
    case 'LTE':
      return (text) => text <= value
    case 'GT':
      return (text) => text > value
    case 'GTE':
      return (text) => text >= value
    case 'BETWEEN':
      return (text) => text >= value && text <= high
    case 'NEQ':
    case 'NOT_CONTAINS_TOKEN':
      return (text) => text !== value
    case 'IN':
      return (text) => values.includes(text)
    case 'NOT_IN':
      return (text) => !values.includes(text)
    case 'HAS_PROPERTY':
      return () => true
    case 'NOT_HAS_PROPERTY':
      return () => false
    default:
      return (text) => text === value
  }
}

// Text compares without case, enumerations with it; a list for IN must be lower case for text. A record without the
// value matches neither an operator nor its negation (for the negations this is undocumented).
export function wordTest(
  definition: Definition,
  operator: string,
  value: string,
  high: string,
  values: readonly string[],
): (text: string | undefined) => boolean {
  if (operator === 'HAS_PROPERTY') return (text) => text !== undefined
  if (operator === 'NOT_HAS_PROPERTY') return (text) => text === undefined
  const exact = definition.type === 'enumeration' || definition.type === 'bool'
  const fold = (text: string) => (exact ? text : text.toLowerCase())
  if (definition.fieldType === 'checkbox') {
    const parts = (text: string) => text.split(';')
    if (operator === 'EQ') return (text) => text !== undefined && parts(text).includes(value)
    if (operator === 'NEQ') return (text) => text !== undefined && !parts(text).includes(value)
    if (operator === 'IN')
      return (text) => text !== undefined && parts(text).some((one) => values.includes(one))
    if (operator === 'NOT_IN')
      return (text) => text !== undefined && !parts(text).some((one) => values.includes(one))
  }
  const wanted = operator === 'IN' || operator === 'NOT_IN' ? values : []
  const test = textTest(operator, fold(value), fold(high), wanted)
  return (text) => text !== undefined && test(fold(text))
}

// Whole words, without case; a star stands for the rest of a word.
export function tokenTest(operator: string, value: string): (text: string | undefined) => boolean {
  const wanted = tokensOf(value, true).map((token) => {
    const source = token.split('*').map(escapeRegex).join('.*')
    return new RegExp(`^${source}$`, 'u')
  })
  const contains = (text: string) => {
    const tokens = tokensOf(text, false)
    return wanted.length > 0 && wanted.every((one) => tokens.some((token) => one.test(token)))
  }
  if (operator === 'CONTAINS_TOKEN') return (text) => text !== undefined && contains(text)
  return (text) => text !== undefined && !contains(text)
}

export function tokensOf(text: string, keepStars: boolean): string[] {
  return text
    .toLowerCase()
    .split(keepStars ? /[^\p{L}\p{N}_*]+/u : /[^\p{L}\p{N}_]+/u)
    .filter((one) => one !== '')
}

function escapeRegex(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
