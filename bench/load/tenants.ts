/** The many tenants of benchmark 5: connected, loaded once, and with changes that go on. */
import { randomUUID } from 'node:crypto'
import { allScopes, type Harness, type HubSpotProcess, newAccount, pause } from './harness.ts'
import { type Connected, startService } from './service.ts'

/** Of the schedule. */
export const periodMs = 300_000
/** Tickets of an account. */
export const fewTickets = 36
/** A first load of all, or of the large one, takes no longer, s. */
export const longestSeconds = 1_200

export interface Tenant extends Connected {
  hubId: number
}

/** All have come to the end of their first load when this returns. Many runs at once, since that is not measured. */
export async function connectAll(
  harness: Harness,
  hubspot: HubSpotProcess,
  databaseUrl: string,
  count: number,
): Promise<Tenant[]> {
  const service = await startService(hubspot, databaseUrl, { SPOKE_SYNC_CONCURRENCY: '32' })
  try {
    const tenants: Tenant[] = []
    let left = count
    harness.say(`5. tenants: connecting ${count}`)
    const worker = async () => {
      while (left > 0) {
        left -= 1
        const { hubId, token } = await newAccount(hubspot, { tickets: fewTickets }, allScopes)
        tenants.push({ hubId, ...(await service.connect(token)) })
        if (tenants.length % 250 === 0) harness.say(`   ${tenants.length} connected`)
      }
    }
    await Promise.all(Array.from({ length: 8 }, worker))
    const end = performance.now() + longestSeconds * 1_000
    for (;;) {
      const [row] = await service.rows<{ open: number; bad: number }>(
        `select count(*) filter (where finished_at is null)::int as open,
           count(*) filter (where finished_at is not null and state <> 'succeeded')::int as bad
         from sync_events where sync_type = 'full'`,
      )
      if (row?.bad) throw new Error(`${row.bad} first loads did not succeed`)
      if (row?.open === 0) break
      if (performance.now() > end) throw new Error(`${row?.open} first loads had not ended in time`)
      await pause(2_000)
    }
    return tenants
  } finally {
    await service.stop()
  }
}

/** 0 to 3 changes for each tenant in each period, spread over it. */
export function keepChanging(hubspot: HubSpotProcess, tenants: Tenant[]) {
  let made = 0
  let stopped = false
  const acting = (async () => {
    for (let at = 0; !stopped; at = (at + 1) % tenants.length) {
      const next = pause(periodMs / tenants.length)
      const changes = Math.floor(4 * Math.random())
      const { hubId } = tenants[at] as Tenant
      if (changes > 0)
        await hubspot.control('PATCH', `/portals/${hubId}/tickets`, {
          count: changes,
          properties: { subject: randomUUID() },
        })
      made += changes
      await next
    }
  })()
  return {
    made: () => made,
    async stop() {
      stopped = true
      await acting
    },
  }
}
