// The paging part of an answer.
import type { AccountCall } from '../http/call.ts'

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
