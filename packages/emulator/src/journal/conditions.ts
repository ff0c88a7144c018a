// Whether a ticket fits the filters of a subscription: all conditions of one of them.
import type { Condition, Filter } from './types.ts'

/** `read` gives the value of a property; without filters everything passes. */
export function passes(filters: readonly Filter[], read: (name: string) => string | undefined): boolean {
  if (filters.length === 0) return true
  return filters.some(({ conditions }) => conditions.every((one) => holds(one, read(one.property) ?? '')))
}

function holds({ operator, value = '', values = [] }: Condition, own: string): boolean {
  switch (operator) {
    case 'EQ':
      return own === value
    case 'N_EQ':
      return own !== value
    case 'IN':
      return values.includes(own)
    case 'NOT_IN':
      return !values.includes(own)
    case 'CONTAINS':
      return own.includes(value)
    case 'STARTS_WITH':
      return own.startsWith(value)
    case 'ENDS_WITH':
      return own.endsWith(value)
    case 'IS_EMPTY':
      return own === ''
    case 'IS_NOT_EMPTY':
      return own !== ''
    default: {
      if (own === '') return false
      const order = compare(own, value)
      if (operator === 'GT') return order > 0
      if (operator === 'GTE') return order >= 0
      return operator === 'LT' ? order < 0 : order <= 0
    }
  }
}

// Numbers as numbers; times are printed so that text compares as they do.
function compare(a: string, b: string): number {
  const [x, y] = [Number(a), Number(b)]
  if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y
  return a < b ? -1 : a > b ? 1 : 0
}
