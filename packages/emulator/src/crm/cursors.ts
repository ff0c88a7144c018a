// The cursors of a portal's ticket lists. HubSpot asks to treat them as opaque, so they do not look like ids.
import { invalid } from '../http/reply.ts'
import type { Quirks } from '../quirks.ts'

export type Cursors = ReturnType<typeof createCursors>

export function createCursors(quirks: Quirks) {
  // How often the cursors were made void: it stands in each opaque one.
  let round = 0
  // Plain ids cannot carry it, so the ones handed out are remembered, by switch only.
  let handed = new Set<string>()
  const refused = new Set<string>()

  function refuse(after: string): never {
    const text = after.slice(0, 200)
    return invalid(`Invalid value for parameter 'after': ${text}`, { context: { after: [text] } })
  }

  return {
    // A cursor names the next record.
    make(id: string): string {
      if (quirks.list_after === 'opaque') return Buffer.from(`${id}\n${round || ''}`).toString('base64')
      handed.add(id)
      refused.delete(id)
      return id
    },
    read(after: string | null): string | null {
      if (after === null || after === '') return null
      if (/^\d{1,15}$/.test(after)) return refused.has(after) ? refuse(after) : after
      const decoded = after.includes('%') ? after.replaceAll(/%3D/gi, '=') : after
      const inside = /^[A-Za-z0-9+/]+={0,2}$/.test(decoded)
        ? /^(\d{1,15})\n(\d*)$/.exec(Buffer.from(decoded, 'base64').toString('latin1'))
        : null
      if (!inside || Number(inside[2]) !== round) return refuse(after)
      return inside[1] as string
    },
    // From now on every cursor that was handed out so far is refused.
    void(): void {
      round += 1
      for (const id of handed) refused.add(id)
      handed = new Set()
    },
  }
}
