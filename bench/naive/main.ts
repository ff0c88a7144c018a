/**
 * The naive sync as a process: runs what its parent requests by message, and reports how it ended. On its own:
 * `HUBSPOT_API_URL=… HUBSPOT_TOKEN=… DATABASE_URL=… node bench/naive/main.ts full`.
 */
import { Client } from '@hubspot/api-client'
import pg from 'pg'
import { createNaiveSync, prepareTables } from './sync.ts'

export type Order = 'full' | 'incremental'
export type Ending = { ended: 'well' } | { ended: 'badly'; why: string }

const hubspot = new Client({
  accessToken: process.env.HUBSPOT_TOKEN ?? '',
  basePath: process.env.HUBSPOT_API_URL ?? '',
  numberOfApiCallRetries: 3,
  // The client's own pace of 9 calls a second, which would only make the comparison take longer.
  limiterOptions: { minTime: 0 },
})
const db = new pg.Client({ connectionString: process.env.DATABASE_URL })
await db.connect()
await prepareTables(db)
const sync = createNaiveSync(hubspot, db)

async function run(order: Order): Promise<Ending> {
  try {
    await sync[order]()
    return { ended: 'well' }
  } catch (error) {
    return { ended: 'badly', why: String((error as Error)?.message ?? error).split('\n')[0] ?? '' }
  }
}

if (process.send) {
  process.on('message', async (order: Order) => process.send?.(await run(order)))
  process.on('disconnect', () => process.exit())
  process.send('ready')
} else {
  const ending = await run(process.argv[2] === 'incremental' ? 'incremental' : 'full')
  console.log(JSON.stringify(ending))
  await db.end()
  process.exitCode = ending.ended === 'well' ? 0 : 1
}
