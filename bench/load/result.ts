/** What a benchmark has found, and how it is printed. */

export type Figure = number | string | boolean | null | Figure[] | { [name: string]: Figure }

export interface BenchResult {
  number: number
  name: string
  /** As text; `met` is whether it holds. */
  aim: string
  met: boolean
  figures: Record<string, Figure>
  /** What somebody who reads the figures must know of this run. */
  notes: string[]
}

/** @param digits behind the point */
export const round = (value: number, digits = 2): number => Number(value.toFixed(digits))

/** @param sorted ascending. @param part 0 to 1 */
export const quantile = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN

export const ascending = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b)

/** For people. Missed targets come first. */
export function table(results: readonly BenchResult[]): string {
  const missed = results.filter(({ met }) => !met)
  const verdict =
    missed.length === 0
      ? `missed: none of ${results.length}`
      : `MISSED: ${missed.map(({ number, name }) => `${number} (${name})`).join(', ')}`
  const blocks = results.map(({ number, name, aim, met, figures, notes }) =>
    [
      `${number}. ${name}: ${met ? 'met' : 'MISSED'}`,
      `   aim: ${aim}`,
      ...lines(figures, '   '),
      ...notes.map((note) => `   note: ${note}`),
    ].join('\n'),
  )
  return [verdict, ...blocks].join('\n\n')
}

function lines(figures: { [name: string]: Figure }, indent: string): string[] {
  return Object.entries(figures).flatMap(([name, value]) => {
    const label = `${indent}${name.replaceAll('_', ' ')}`
    if (value === null || typeof value !== 'object') return [`${label.padEnd(44)} ${value}`]
    if (!Array.isArray(value)) return [label, ...lines(value, `${indent}  `)]
    return [
      label,
      ...value.map((one) => {
        if (one === null || typeof one !== 'object' || Array.isArray(one))
          return `${indent}  ${JSON.stringify(one)}`
        return `${indent}  ${Object.entries(one)
          .map(([key, of]) => `${key.replaceAll('_', ' ')} ${of}`)
          .join(', ')}`
      }),
    ]
  })
}
