/** What the demo shows, step by step. Each step proves what it prints; the first that does not hold ends the demo. */

import { syncChanges } from './changes.ts'
import { connectByOAuth, connectByToken } from './connect.ts'
import { checkCopies } from './copies.ts'
import { firstIssue, syncBoth } from './first-sync.ts'
import { checkIsolation } from './isolation.ts'
import { showLines, showTable } from './summary.ts'
import type { DemoContext } from './tenants.ts'

export async function play(cast: DemoContext): Promise<void> {
  const { screen } = cast
  screen.heading('Connect')
  const a = await connectByOAuth(cast)
  const reading = firstIssue(cast, a)
  // Awaited later; if B's connect fails first, that is what is reported.
  reading.catch(() => {})
  const b = await connectByToken(cast)

  screen.heading('Sync')
  await syncBoth(cast, [a, b], reading)
  await checkCopies(cast, [a, b])

  screen.heading('Change something at HubSpot, sync what changed')
  await syncChanges(cast, a, b)

  screen.heading('Keep tenants apart')
  await checkIsolation(cast, a, b)

  await showTable(cast, [a, b])
  showLines(cast, a, b)
}
