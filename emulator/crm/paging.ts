// Cursors and the links beside them.
import type { AccountCall } from '../http/call.ts'
import { invalid } from '../http/reply.ts'
import type { Quirks } from '../quirks.ts'

export type Paging = { next: { after: string; link: string } }

// HubSpot's own example shows a link to an older path, so nobody should follow it: by switch it is one that nothing serves.
export function nextPage(call: AccountCall, after: string): Paging {
  const query = new URLSearchParams(call.query)
  query.set('after', after)
  const path = call.world.quirks.wrong_link
    ? call.path.replace(/^\/crm\/(?:objects\/[\w-]+|v\d\/objects)\/[^/]+/, '/crm/objects/v3/0-420')
    : call.path
  return { next: { after, link: `https://api.hubapi.com${path}?${query}` } }
}

// The list cursor names the next record. HubSpot asks to treat it as opaque, so it does not look like an id.
export function listCursor(quirks: Quirks, id: string): string {
  return quirks.list_after === 'id' ? id : Buffer.from(`${id}\n`).toString('base64')
}

export function readListCursor(after: string | null): string | null {
  if (after === null || after === '') return null
  if (/^\d{1,15}$/.test(after)) return after
  const decoded = after.includes('%') ? after.replaceAll(/%3D/gi, '=') : after
  if (/^[A-Za-z0-9+/]+={0,2}$/.test(decoded)) {
    const inside = Buffer.from(decoded, 'base64').toString('latin1')
    if (/^\d{1,15}\n$/.test(inside)) return inside.trim()
  }
  return invalid(`Invalid value for parameter 'after': ${after.slice(0, 200)}`, {
    context: { after: [after.slice(0, 200)] },
  })
}
