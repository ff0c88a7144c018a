/** Behind PgBouncer in transaction mode, without prepared statements: a service of two processes works and logs no warnings. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Account, differences, type InboxBench, startInboxBench } from '../inbox/inbox-fixture.ts'
import { onlyLong } from '../support/long.ts'
import { type Pgbouncer, startPgbouncer, withPgbouncer } from '../support/pgbouncer.ts'
import { eventually, runEnded, startTestService, type TestService } from '../support/service.ts'

for (const prepare of ['auto', 'off'])
  describe(
    `PgBouncer with SPOKE_DB_PREPARE=${prepare}`,
    prepare === 'auto' ? withPgbouncer : onlyLong,
    () => {
      let pooler: Pgbouncer
      let bench: InboxBench
      let worker: TestService
      let account: Account
      before(async () => {
        const wired = async (database: string) => {
          pooler = await startPgbouncer(database)
          return pooler.url
        }
        const env = { SPOKE_DB_PREPARE: prepare }
        bench = await startInboxBench({ ...env, SPOKE_ROLE: 'api' }, {}, undefined, wired)
        worker = await startTestService(bench.emulator.url, {
          ...env,
          DATABASE_URL: pooler.url,
          SPOKE_ROLE: 'worker',
        })
        account = await bench.account({ tickets: 1_200 })
      })
      after(async () => {
        await worker?.stop()
        await bench?.stop()
        await pooler?.stop()
      })

      const path = (noun: string) => `/api/hubspot/${noun}/${account.tenant}/${account.integration}`
      const sync = async (type: string) => {
        const { status, body } = await bench.service.post(path('sync'), { sync_type: type })
        assert.equal(status, 202)
        return await runEnded(bench.service, account.tenant, account.integration, body.sync_event_id)
      }
      const edit = (ids: readonly string[], subject: string) =>
        Promise.all(
          ids.map((id) =>
            bench.emulator.control('PATCH', `/portals/${account.portal}/tickets/${id}`, {
              properties: { subject },
            }),
          ),
        )
      const someIds = async () => {
        const { results } = await bench.emulator.control('GET', `/portals/${account.portal}/truth?limit=5`)
        return (results as { id: string }[]).map(({ id }) => id)
      }

      test('what was connected was synced, and a full run ends equal to HubSpot', async () => {
        assert.equal((await sync('full')).state, 'succeeded')
        assert.deepEqual(await differences(bench, account), [])
      })

      test('a ticket named by a webhook is read, and is in the change feed', async () => {
        const before = await bench.service.get(`/api/hubspot/changes/${account.tenant}?after=now`)
        await edit(await someIds(), 'by webhook')
        await bench.drained()
        assert.deepEqual(await differences(bench, account), [])
        const { body } = await bench.service.get(
          `/api/hubspot/changes/${account.tenant}?after=${before.body.next_after}`,
        )
        assert.equal(body.changes.length, 5)
      })

      test('an incremental run starts at the next poll, without notifications', async (t) => {
        await edit(await someIds(), 'by a run')
        const waits: number[] = []
        do {
          const run = await sync('incremental')
          assert.equal(run.state, 'succeeded')
          waits.push(Date.parse(run.started_at) - Date.parse(run.requested_at))
        } while (Math.min(...waits) > 550 && waits.length < 4)
        t.diagnostic(`begun after ${waits.join(', ')} ms`)
        assert.ok(Math.min(...waits) <= 550)
        await bench.drained()
        assert.deepEqual(await differences(bench, account), [])
      })

      test('concurrent requests do not use statements of other connections', async () => {
        const answers = await Promise.all(
          Array.from({ length: 100 }, (_, index) =>
            bench.service.get(
              [`/api/hubspot/issues/${account.tenant}?limit=20`, path('integrations'), path('sync')][
                index % 3
              ] as string,
            ),
          ),
        )
        assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200])
      })

      test('a tenant is erased', async () => {
        const erased = await bench.service.delete(`/api/tenants/${account.tenant}`)
        assert.equal(erased.status, 202)
        await eventually(
          async () =>
            (await bench.runSql(`select from tenants where tenant_id = '${account.tenant}'`)).length === 0,
          'the tenant is erased',
        )
      })

      test('the start logs the pooler once, and there are no warnings', () => {
        for (const { lines } of [bench.service, worker]) {
          const found = lines.filter((line) => line.includes('a pooler in transaction mode'))
          assert.equal(found.length, 1)
          assert.match(String(found[0]), /"prepared_statements":false/)
          const loud = lines.filter((line) => /"level":"(warn|error|fatal)"/.test(line))
          assert.deepEqual(loud, [])
        }
      })
    },
  )
