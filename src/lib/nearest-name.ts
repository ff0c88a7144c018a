/** Finds the valid name that a misspelled one probably meant. */

/** Longer names are not compared: the work grows with the square of the length. */
const maxLength = 64

/**
 * @returns the name with the fewest edits, if they are few for its length; otherwise the shortest that
 *   begins with the given word, if any
 */
export function nearestName(given: string, names: readonly string[]): string | undefined {
  if (given.length > maxLength) return undefined
  let best: string | undefined
  let fewest = Number.POSITIVE_INFINITY
  for (const name of names) {
    const edits = editsBetween(given.toLowerCase(), name.toLowerCase())
    if (edits < fewest && edits <= Math.max(1, Math.floor(name.length / 4))) {
      best = name
      fewest = edits
    }
  }
  if (best !== undefined) return best
  const begins = names.filter((name) => /^[_.]/.test(afterPrefix(name, given) ?? ''))
  return begins.toSorted((a, b) => a.length - b.length)[0]
}

const afterPrefix = (name: string, prefix: string): string | undefined =>
  name.toLowerCase().startsWith(prefix.toLowerCase()) ? name.slice(prefix.length) : undefined

/**
 * Damerau-Levenshtein distance (optimal string alignment): inserted, deleted and changed letters,
 * and swapped neighbours.
 */
function editsBetween(a: string, b: string): number {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let edits = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        edits = Math.min(edits, at(before, j - 2) + 1)
      row.push(edits)
    }
    before = last
    last = row
  }
  return at(last, b.length)
}

const at = (row: readonly number[], index: number): number => row[index] ?? Number.POSITIVE_INFINITY
