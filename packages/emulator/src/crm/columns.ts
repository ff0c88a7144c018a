// Ids and times of a portal's generated tickets, at hand for searching a million of them. They never change.
import type { Generated } from './generated.ts'

export type Columns = {
  id: Float64Array
  createdAt: Float64Array
  updatedAt: Float64Array
  // The places in the order of their modified times, and those times.
  byUpdated: Uint32Array
  updatedSorted: Float64Array
}

// Made on the first search.
export function createColumns(generated: Generated): () => Columns {
  let columns: Columns | null = null
  return () => {
    if (columns) return columns
    const of = (read: (place: number) => number) => {
      const column = new Float64Array(generated.count)
      for (let place = 0; place < column.length; place++) column[place] = read(place)
      return column
    }
    const updatedAt = of(generated.updatedAt)
    const byUpdated = new Uint32Array(generated.count)
    for (let place = 0; place < byUpdated.length; place++) byUpdated[place] = place
    byUpdated.sort((a, b) => (updatedAt[a] as number) - (updatedAt[b] as number))
    const updatedSorted = new Float64Array(generated.count)
    for (let i = 0; i < byUpdated.length; i++) updatedSorted[i] = updatedAt[byUpdated[i] as number] as number
    columns = {
      id: of(generated.idAt),
      createdAt: of(generated.createdAt),
      updatedAt,
      byUpdated,
      updatedSorted,
    }
    return columns
  }
}
