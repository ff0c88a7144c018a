/**
 * The position in the journal, and the subscriptions: what the statements guarantee under concurrency.
 * Over 200 lines because each promise runs on both engines from the same helpers.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Database } from '../../src/db/database.ts'
import { type SystemScope, withSystem } from '../../src/db/scope.ts'
import { claimJournal, releaseJournal, saveJournalEnd, saveJournalFile } from '../../src/journal/store.ts'
import {
  claimDueSubscriptions,
  claimEndingSubscriptions,
  deleteEndedSubscription,
  deleteStaleSubscriptions,
  makeSubscriptionsDue,
  type Subscription,
  saveSubscriptionRequest,
} from '../../src/journal/subscription-store.ts'
import { engines } from '../support/engines.ts'
import { seedLink } from '../support/rows.ts'

const by = (instance: string) => ({ instance, exclusive: false, leaseMs: 60_000 })
const change = (hubId: number, id: string) => ({
  hubId,
  type: 'propertyChange' as const,
  ticketIds: [id],
  occurredAt: 1_790_000_000_000,
})

for (const engine of engines)
  describe(engine.name, () => {
    let db: Database
    let close: () => Promise<void>
    let portal = 0
    let app = ''
    before(async () => {
      ;({ db, close } = await engine.open())
    })
    after(() => close())

    const within = <T>(work: (scope: SystemScope) => Promise<T>) => withSystem(db, work)
    const runSql = async <Row>(statement: ReturnType<typeof sql<Row>>) =>
      (await statement.execute(db.kysely)).rows

    const connected = (hubId: number, installedAt?: string | null) => seedLink(db, hubId, installedAt)

    /** Each test has accounts of its own. */
    async function anew(): Promise<void> {
      await sql`delete from account_routes`.execute(db.kysely)
      portal += 10
      app = `app-${portal}`
    }

    test('a file is stored once, even if several processes read it, and none is skipped', async () => {
      await anew()
      const integration = await connected(portal)
      await within((scope) => claimJournal(scope, app, by('a')))
      const save = (from: string | null, to: string, id: string) =>
        within((scope) =>
          saveJournalFile(scope, app, { from, to, restarted: false }, [change(portal, id)], 0),
        )
      assert.equal((await save(null, 'one', '1')).replayed, false)
      assert.equal((await save(null, 'one', '1')).replayed, true)
      assert.equal((await save('one', 'two', '2')).replayed, false)
      assert.equal((await save('one', 'two', '2')).replayed, true)
      assert.equal((await save(null, 'three', '3')).replayed, true)
      await within((scope) => saveJournalEnd(scope, app, 'one', true))
      const saved = await runSql(
        sql<{
          id: string
        }>`select unnest(ticket_ids) as id from inbox_entries where integration_id = ${integration} order by 1`,
      )
      assert.deepEqual(
        saved.map(({ id }) => id),
        ['1', '2'],
      )
      const place = await within((scope) => claimJournal(scope, app, by('a')))
      assert.equal(place?.position, 'two')
      await within((scope) => saveJournalEnd(scope, app, 'two', false))
      assert.equal((await within((scope) => claimJournal(scope, app, by('a'))))?.position, 'two')
      await within((scope) => saveJournalEnd(scope, app, 'two', true))
      assert.equal((await within((scope) => claimJournal(scope, app, by('a'))))?.position, null)
    })

    test('one process reads at a time; after a failure the next one waits, after a crash it takes over', async () => {
      await anew()
      const claim = (who: string) => within((scope) => claimJournal(scope, app, by(who)))
      assert.ok(await claim('a'))
      assert.ok(await claim('a'), 'it continues')
      assert.equal(await claim('b'), undefined)
      await within((scope) => releaseJournal(scope, app, by('b')))
      assert.equal(await claim('b'), undefined, 'only the owner releases a lease')
      await within((scope) =>
        releaseJournal(scope, app, by('a'), {
          code: 'x',
          failures: 3,
          waitMs: 60_000,
          unreadableOffset: undefined,
        }),
      )
      assert.equal(await claim('b'), undefined)
      await sql`update journals set not_before = now() where client_id = ${app}`.execute(db.kysely)
      assert.equal((await claim('b'))?.failures, 3)
      assert.ok(await within((scope) => claimJournal(scope, `${app}-other`, by('a'))), 'each app has its own')
    })

    const take = () => within((scope) => claimDueSubscriptions(scope, app, 10))
    const idsOf = (taken: readonly Subscription[]) => taken.map(({ hub_id }) => hub_id).sort()
    const ending = async () => idsOf(await within((scope) => claimEndingSubscriptions(scope, app, 10)))
    const save = async (taken: readonly Subscription[], how: object = {}) => {
      for (const one of taken)
        await within((scope) =>
          saveSubscriptionRequest(scope, app, one, { failures: 0, code: null, waitMs: 3_600_000, ...how }),
        )
    }

    test('each account that has our app is subscribed once, and again when it is due or reconnected', async () => {
      await anew()
      const [one, pasted] = [portal + 1, portal + 2]
      await connected(one)
      await connected(pasted, null)
      const taken = await take()
      assert.deepEqual(idsOf(taken), [0, one])
      assert.deepEqual(await take(), [], 'it is in somebody’s hand')
      await save(taken)
      assert.deepEqual(await take(), [])
      await within((scope) => makeSubscriptionsDue(scope, app, [one]))
      const again = await take()
      assert.deepEqual(idsOf(again), [one])
      await save(again, { failures: 4, code: 'x' })
      await connected(one, '2026-02-02')
      const [newly] = await take()
      assert.deepEqual([newly?.hub_id, newly?.failures], [one, 0])
    })

    test('a slow subscriber does not postpone what was requested since', async () => {
      await anew()
      await connected(portal)
      const taken = await take()
      await within((scope) => makeSubscriptionsDue(scope, app, [portal]))
      await save(taken)
      assert.deepEqual(idsOf(await take()), [portal])
    })

    test('it ends with the last integration on the account, and a connect meanwhile subscribes again', async () => {
      await anew()
      const one = portal + 1
      const [first, second] = [await connected(one), await connected(one)]
      await save(await take())
      const leave = (integration: string) =>
        sql`delete from account_routes where integration_id = ${integration}`.execute(db.kysely)
      await leave(first)
      assert.deepEqual(await ending(), [])
      await leave(second)
      assert.deepEqual(await ending(), [one])
      assert.deepEqual(await ending(), [], 'it is in somebody’s hand')
      assert.deepEqual(await take(), [], 'a subscription that is ending is not renewed')
      // Connected again before HubSpot has responded, and subscribed by another process.
      await connected(one, '2026-02-02')
      const other = await take()
      assert.deepEqual(idsOf(other), [one])
      // The end is recorded between the other process's request and its record of it.
      await within((scope) => deleteEndedSubscription(scope, app, one))
      await save(other)
      assert.deepEqual(idsOf(await take()), [one], 'the end may have come after')
      await sql`delete from account_routes where hub_id = ${one}`.execute(db.kysely)
      assert.deepEqual(await ending(), [one])
      await within((scope) => deleteEndedSubscription(scope, app, one))
      assert.deepEqual(await runSql(sql`select from journal_subscriptions where hub_id = ${one}`), [])
    })

    test('what no process requests any more is deleted after a day', async () => {
      await anew()
      await connected(portal)
      await save(await take())
      assert.equal(await within((scope) => deleteStaleSubscriptions(scope, 100)), 0)
      await sql`update journal_subscriptions set due_at = now() - interval '25 hours' where client_id = ${app}`.execute(
        db.kysely,
      )
      assert.equal(await within((scope) => deleteStaleSubscriptions(scope, 100)), 2)
    })
  })
