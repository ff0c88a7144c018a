/** HubSpot's own truth, from the emulator's control API, in the oracle's shape. */
import type { TestEmulator } from '../../test/support/emulator.ts'
import type { TrueTicket, Truth } from './oracle.ts'

export async function readTruth(emulator: TestEmulator, portal: number): Promise<Truth> {
  const { archived_list_has_merged } = await emulator.control('GET', '/quirks')
  const { computed_at_read } = await emulator.control('GET', `/portals/${portal}`)
  return {
    live: await readSide(emulator, portal, false),
    archived: await readSide(emulator, portal, true),
    losersHidden: !archived_list_has_merged,
    computed: new Set(computed_at_read),
  }
}

async function readSide(
  emulator: TestEmulator,
  portal: number,
  archived: boolean,
): Promise<Map<string, TrueTicket>> {
  const tickets = new Map<string, TrueTicket>()
  let after: string | null = null
  do {
    const query: string = `archived=${archived}&limit=5000${after === null ? '' : `&after=${encodeURIComponent(after)}`}`
    const page = await emulator.control('GET', `/portals/${portal}/truth?${query}`)
    for (const { id, properties, mergedInto } of page.results)
      tickets.set(id, { id, properties, mergedInto: mergedInto ?? null })
    after = page.next ?? null
  } while (after !== null)
  return tickets
}
