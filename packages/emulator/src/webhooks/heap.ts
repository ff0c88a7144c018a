// A queue that gives the least first.
export type Heap<T> = ReturnType<typeof createHeap<T>>

/** `before` says which of two comes first; of equals either may. */
export function createHeap<T>(before: (a: T, b: T) => boolean) {
  const items: T[] = []
  const at = (i: number) => items[i] as T
  const swap = (a: number, b: number) => {
    const kept = at(a)
    items[a] = at(b)
    items[b] = kept
  }

  function push(item: T): void {
    let i = items.push(item) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!before(item, at(parent))) break
      swap(i, parent)
      i = parent
    }
  }

  function pop(): T | undefined {
    const top = items[0]
    const last = items.pop()
    if (last === undefined || items.length === 0) return top
    items[0] = last
    for (let i = 0; ; ) {
      const [left, right] = [i * 2 + 1, i * 2 + 2]
      let least = i
      if (left < items.length && before(at(left), at(least))) least = left
      if (right < items.length && before(at(right), at(least))) least = right
      if (least === i) return top
      swap(i, least)
      i = least
    }
  }

  return {
    push,
    pop,
    peek: (): T | undefined => items[0],
    count: () => items.length,
    // All of it, in order; the heap is empty afterwards.
    drain(): T[] {
      const all: T[] = []
      for (let one = pop(); one !== undefined; one = pop()) all.push(one)
      return all
    },
  }
}
