// The last so many of something, and no more than so many characters of them.
export type Ring<T> = ReturnType<typeof createRing<T>>

export function createRing<T>(most: number, mostSize: number, sizeOf: (item: T) => number) {
  let items: T[] = []
  // Where the oldest stands that still counts; what lies before it is dropped now and then, not each time.
  let first = 0
  let size = 0

  function dropOldest(): void {
    size -= sizeOf(items[first] as T)
    first += 1
    if (first * 2 > items.length) {
      items = items.slice(first)
      first = 0
    }
  }

  return {
    push(item: T): void {
      items.push(item)
      size += sizeOf(item)
      while (items.length - first > most || (size > mostSize && items.length - first > 1)) dropOldest()
    },
    count: () => items.length - first,
    *[Symbol.iterator](): Generator<T> {
      for (let i = first; i < items.length; i++) yield items[i] as T
    },
    clear(): void {
      items = []
      first = 0
      size = 0
    },
  }
}
