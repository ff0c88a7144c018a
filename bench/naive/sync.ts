/**
 * A sync as many are written: HubSpot's own client with its own retries, pages by `after`, changes by "greater than the
 * highest time seen", one upsert a ticket. It is meant to be decent work in a hurry, and serves as a comparison:
 * what it gets wrong shows that a check can fail, and what it takes shows what a first draft costs.
 */
import type { Client } from '@hubspot/api-client'
import type pg from 'pg'
import { naiveProperties } from './properties.ts'

const listPage = 100
const searchPage = 200

export interface NaiveSync {
  /** Reads all tickets. @throws whatever HubSpot's client or the database throws */
  full(): Promise<void>
  /** Reads what changed since the run before; everything when there was none. */
  incremental(): Promise<void>
}

/** The shape of a ticket as the client gives it. */
interface Ticket {
  id: string
  properties: Record<string, string | null>
}

export async function prepareTables(db: pg.Client): Promise<void> {
  await db.query(
    'create table if not exists naive_tickets (ticket_id text primary key, properties jsonb not null)',
  )
  await db.query('create table if not exists naive_state (one int primary key, highest text not null)')
}

export function createNaiveSync(hubspot: Client, db: pg.Client): NaiveSync {
  const properties = [...naiveProperties]

  async function upsert(ticket: Ticket): Promise<void> {
    await db.query(
      `insert into naive_tickets (ticket_id, properties) values ($1, $2)
       on conflict (ticket_id) do update set properties = excluded.properties`,
      [ticket.id, JSON.stringify(ticket.properties)],
    )
  }

  async function readHighest(): Promise<string | undefined> {
    const { rows } = await db.query('select highest from naive_state')
    return rows[0]?.highest
  }

  async function saveHighest(highest: string): Promise<void> {
    await db.query(
      'insert into naive_state values (1, $1) on conflict (one) do update set highest = excluded.highest',
      [highest],
    )
  }

  async function full(): Promise<void> {
    let highest = (await readHighest()) ?? ''
    let after: string | undefined
    do {
      const page = await hubspot.crm.tickets.basicApi.getPage(listPage, after, properties)
      for (const ticket of page.results) {
        await upsert(ticket)
        highest = later(highest, ticket)
      }
      after = page.results.length < listPage ? undefined : page.paging?.next?.after
    } while (after)
    if (highest) await saveHighest(highest)
  }

  async function incremental(): Promise<void> {
    const since = await readHighest()
    if (!since) return await full()
    let highest = since
    let after: string | undefined
    do {
      const page = await hubspot.crm.tickets.searchApi.doSearch({
        filterGroups: [
          {
            filters: [
              {
                propertyName: 'hs_lastmodifieddate',
                // The client's type of an operator is an enum that its own package does not export by name.
                operator: 'GT' as never,
                value: String(Date.parse(since)),
              },
            ],
          },
        ],
        sorts: ['hs_lastmodifieddate'],
        properties,
        limit: searchPage,
        ...(after ? { after } : {}),
      })
      for (const ticket of page.results) {
        await upsert(ticket)
        highest = later(highest, ticket)
      }
      after = page.results.length < searchPage ? undefined : page.paging?.next?.after
    } while (after)
    await saveHighest(highest)
  }

  return { full, incremental }
}

function later(highest: string, ticket: Ticket): string {
  const modified = ticket.properties.hs_lastmodifieddate ?? ''
  return Date.parse(modified) > (Date.parse(highest) || 0) ? modified : highest
}
