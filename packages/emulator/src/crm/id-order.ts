// A set of record ids that can be walked in order, as numbers or as text; sorted only when it is walked after a change.
export type IdOrder = ReturnType<typeof createIdOrder>

export function createIdOrder() {
  const ids = new Set<number>()
  let numbers: number[] | null = null
  let texts: string[] | null = null

  function changed(): void {
    numbers = null
    texts = null
  }

  return {
    has: (id: number) => ids.has(id),
    count: () => ids.size,
    add(id: number): void {
      if (ids.has(id)) return
      ids.add(id)
      changed()
    },
    remove(id: number): void {
      if (ids.delete(id)) changed()
    },
    *from(first: string | null, asText: boolean): Generator<number> {
      if (asText) {
        texts ??= [...ids].map(String).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
        for (let i = first === null ? 0 : firstNotBelow(texts, first); i < texts.length; i++)
          yield Number(texts[i])
        return
      }
      numbers ??= [...ids].sort((a, b) => a - b)
      const sorted = numbers
      for (let i = first === null ? 0 : firstNotBelow(sorted, Number(first)); i < sorted.length; i++)
        yield sorted[i] as number
    },
  }
}

// The first place of a sorted list whose item is not below the wanted one.
export function firstNotBelow<T extends string | number>(
  sorted: { readonly length: number; readonly [place: number]: T },
  wanted: T,
): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] as T) < wanted) low = middle + 1
    else high = middle
  }
  return low
}
