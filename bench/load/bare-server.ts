/**
 * The floor of a query, as a process: node:http and pg, the statements of Spoke in one round each, and their rows as
 * JSON. No routing, no credential, no schema, no tenant, no policy: it logs in as superuser.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import pg from 'pg'

export interface BareTask {
  databaseUrl: string
  tenantId: string
  /** By path: the statements of a query, in order. */
  queries: Record<string, { text: string; values: unknown[] }[]>
}

/** As the service's pool. */
const connections = 10

async function serve({ databaseUrl, tenantId, queries }: BareTask): Promise<number> {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: connections,
    options: `-c spoke.tenant_id=${tenantId}`,
  })
  const server = createServer(async ({ url = '' }, response) => {
    const statements = queries[url] ?? []
    const client = await pool.connect()
    try {
      // What a statement sets is for this request alone.
      if (statements.length > 1) await client.query('begin')
      let rows: unknown[] = []
      for (const { text, values } of statements) ({ rows } = await client.query(text, values))
      if (statements.length > 1) await client.query('commit')
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(rows))
    } finally {
      client.release()
    }
  })
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return (server.address() as AddressInfo).port
}

process.on('message', async (task: BareTask) => {
  process.send?.(await serve(task))
})
process.on('disconnect', () => process.exit())
process.send?.('ready')
