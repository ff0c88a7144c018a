/** The HubSpot of the demo: the emulator with two accounts, and what their people do while we watch. */
import { type Emulator, startEmulator } from '../packages/emulator/src/server.ts'
import { isFree } from './ports.ts'

const scopes = ['oauth', 'tickets', 'crm.objects.owners.read']

export interface Account {
  name: string
  hubId: number
  /** Tickets at HubSpot now. */
  tickets(): number
}

export interface Change {
  ticketId: string
  kind: 'new' | 'changed'
  /** What was set, as HubSpot names it. */
  properties: Record<string, string>
}

export type DemoHubSpot = Awaited<ReturnType<typeof startDemoHubSpot>>

/** @param redirectUri where the OAuth app may send the browser */
export async function startDemoHubSpot(redirectUri: string) {
  // The real search index lags by seconds; here it does not, so that changes can be shown without a pause.
  const quirks = { index_lag_ms: 0, index_lag_jitter_ms: 0 }
  const emulator: Emulator = await startEmulator({ port: (await isFree(9100)) ? 9100 : 0, quirks })
  const { world } = emulator
  const app = world.addApp({ name: 'Spoke demo', redirect_uris: [redirectUri], required_scopes: scopes })
  const account = (name: string, tickets: number, timeZone: string) => {
    const portal = world.addPortal({ name, tickets, time_zone: timeZone })
    return { name, hubId: portal.portal_id, tickets: () => portal.tickets.live() }
  }
  const a: Account = account('Northwind Bikes', 1_000, 'US/Eastern')
  const b: Account = account('Fjord Coffee', 250, 'Europe/Oslo')
  const { token: tokenOfB } = world.addToken(b.hubId, { kind: 'private_app', scopes })

  return {
    url: emulator.url,
    clientId: app.client_id,
    clientSecret: app.client_secret,
    a,
    b,
    /** What an admin of B copies from HubSpot's settings page. */
    tokenOfB,

    /** All tickets of an account as HubSpot has them: id -> subject and priority. */
    truth(hubId: number): Map<string, { subject: string | null; priority: string | null }> {
      const all = new Map<string, { subject: string | null; priority: string | null }>()
      for (let after: string | undefined; ; ) {
        const page = world.truth(hubId, after === undefined ? {} : { after })
        for (const { id, properties } of page.results) {
          const { subject, hs_ticket_priority } = properties
          all.set(id, { subject: subject ?? null, priority: hs_ticket_priority || null })
        }
        if (page.next === null) return all
        after = page.next
      }
    },

    /** A support team at work: two tickets become urgent, one gets a better subject, one is new. */
    work(hubId: number): Change[] {
      const open = world.truth(hubId).results.filter((one) => one.properties.hs_ticket_priority === 'LOW')
      const [first, second, third] = [open[3], open[7], open[11]].map((one) => one?.id ?? '')
      const asked: [string, Record<string, string>][] = [
        [first as string, { hs_ticket_priority: 'URGENT' }],
        [second as string, { hs_ticket_priority: 'URGENT' }],
        [third as string, { subject: 'Solved: the courier had the wrong dock number' }],
      ]
      const changes: Change[] = asked.map(([ticketId, properties]) => {
        world.changeTickets(hubId, { ids: [ticketId], properties })
        return { ticketId, kind: 'changed', properties }
      })
      const properties = { subject: 'Forks of the new cargo bike rattle', hs_ticket_priority: 'HIGH' }
      const [ticketId] = world.addTickets(hubId, { properties })
      return [...changes, { ticketId: ticketId as string, kind: 'new', properties }]
    },

    close: () => emulator.close(),
  }
}
