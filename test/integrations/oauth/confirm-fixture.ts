/** Shared by the tests of the confirmation: OAuth on either engine, and the rows of its tables. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { layOutEmbedded } from '../../support/embedded.ts'
import { eventually } from '../../support/service.ts'
import { callback, startOAuth } from './oauth-fixture.ts'

export const publicUrl = 'http://localhost:8000'

export async function startConfirm(engine: 'PostgreSQL' | 'PGlite') {
  const dir = mkdtempSync(join(tmpdir(), 'spoke-confirm-'))
  const embedded = engine === 'PGlite' ? { DATABASE_URL: '', SPOKE_DATA_DIR: dir } : {}
  if (engine === 'PGlite') await layOutEmbedded(dir)
  const bench = await startOAuth({ SPOKE_PUBLIC_URL: publicUrl, ...embedded })
  const { kysely } = bench.service.db
  const rows = async (text: string) => (await sql.raw<Record<string, unknown>>(text).execute(kysely)).rows
  const { refresh } = bench.emulator.world.tokens
  return {
    ...bench,
    rows,
    /** What waits, and what was confirmed and holds no token any more. */
    confirmations: (tenant: string) => rows(`select * from confirmations where tenant_id = '${tenant}'`),
    waiting: async (tenant: string) =>
      (await rows(`select * from confirmations where tenant_id = '${tenant}' and confirmed_at is null`))
        .length,
    /** From nothing to the page that names the account. */
    async came(portal: number, tenant?: string, query = '') {
      const started = await bench.start(portal, tenant, query)
      return { ...started, ...(await bench.browser.comeBack(`${callback}${started.search}`)) }
    },
    integration: async ({ tenant, integration }: { tenant: string; integration: string }) =>
      (await bench.service.get(`/api/hubspot/integrations/${tenant}/${integration}`)).body,
    idle: () =>
      eventually(async () => {
        const [row] = await rows('select count(*)::int as open from sync_events where finished_at is null')
        return row?.open === 0
      }, 'all runs have ended'),
    expire: (tenant: string) =>
      rows(`update confirmations set expires_at = now() - interval '1 second' where tenant_id = '${tenant}'`),
    /** For each refresh token of the account, whether it was revoked at HubSpot. */
    revoked: (portal: number) =>
      [...refresh.values()].filter(({ grant }) => grant.portal_id === portal).map(({ revoked }) => revoked),
    async stop() {
      await bench.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

export type ConfirmBench = Awaited<ReturnType<typeof startConfirm>>
