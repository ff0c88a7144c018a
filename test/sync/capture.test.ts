/** Everything that can happen to a ticket, end to end: deletions, restores, merges, and what a search cannot prove. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startTestEmulator, type TestEmulator } from '../support/emulator.ts'
import { eventually, startTestService, type TestService } from '../support/service.ts'
import { type Connected, connect, T } from './capture-fixture.ts'

const noLag = { index_lag_ms: 0, index_lag_jitter_ms: 0 }

describe('change capture', () => {
  let emulator: TestEmulator
  let service: TestService
  before(async () => {
    emulator = await startTestEmulator({ quirks: noLag })
    service = await startTestService(emulator.url, {
      SPOKE_SYNC_OVERLAP: '2s',
      SPOKE_INDEX_LAG: '0s',
    })
  })
  after(async () => {
    await service.stop()
    await emulator.close()
  })
  /** On HubSpot's clock. */
  const later = (ms: number) => emulator.control('POST', '/clock', { advance_ms: ms })
  /** HubSpot's Date counts whole seconds. */
  const nextSecond = () => later(1_000)
  const idsOf = async (one: Connected) => [...(await one.truth()).keys()]

  test('archived tickets become tombstones in the next full pass, restored ones become live again', async () => {
    const one = await connect(emulator, service, { portal_id: 201, tickets: 120 })
    const [a, b, c] = (await idsOf(one)) as [string, string, string]
    await nextSecond()
    await one.act('DELETE', '/tickets', { ids: [a, b, c] })
    const pass = await one.sync('full')
    assert.deepEqual(
      { state: pass.state, archived: pass.archived, inserted: pass.inserted },
      { state: 'succeeded', archived: 3, inserted: 0 },
    )
    const issue = (await one.issues()).get(a)
    assert.deepEqual([issue.archived, issue.deleted_at, issue.merged_into], [true, null, null])
    assert.ok(issue.archived_at)
    assert.deepEqual(await one.differences(), [])
    await nextSecond()
    await one.act('POST', '/tickets/restore', { ids: [b] })
    const again = await one.sync('full')
    assert.deepEqual({ changed: again.changed, archived: again.archived }, { changed: 1, archived: 0 })
    assert.deepEqual(await one.differences(), [])
    assert.equal((await one.issues()).get(b).archived_at, null)
  })

  test('tickets deleted for good are read by id twice before they are marked deleted, and no others are requested', async () => {
    const one = await connect(emulator, service, { portal_id: 202, tickets: 250 })
    const gone = (await idsOf(one)).slice(100, 130)
    await nextSecond()
    await one.act('DELETE', '/tickets', { ids: gone, permanent: true })
    await one.forgetCalls()
    const pass = await one.sync('full')
    assert.deepEqual({ state: pass.state, archived: pass.archived }, { state: 'succeeded', archived: 30 })
    const batches = (await one.asked()).filter(
      (call) => call.includes('batch/read') && !call.includes('assoc'),
    )
    assert.deepEqual(batches, [
      'POST /crm/objects/2026-09/tickets/batch/read',
      'POST /crm/objects/2026-09/tickets/batch/read archived',
    ])
    const issues = await one.issues()
    for (const id of gone) assert.ok(issues.get(id).archived && issues.get(id).deleted_at, id)
    assert.deepEqual(await one.differences(), [])
  })

  test('where HubSpot silently leaves out deleted tickets, each is requested alone and marked deleted', async () => {
    const one = await connect(emulator, service, { portal_id: 230, tickets: 80 })
    const gone = (await idsOf(one)).slice(20, 65)
    await emulator.control('PATCH', '/quirks', { missing_ids_in_batch: 'silent' })
    await nextSecond()
    await one.act('DELETE', '/tickets', { ids: gone, permanent: true })
    const pass = await one.sync('full')
    await emulator.control('PATCH', '/quirks', { missing_ids_in_batch: 'named' })
    assert.deepEqual({ state: pass.state, archived: pass.archived }, { state: 'succeeded', archived: 45 })
    assert.deepEqual(await one.differences(), [])
  })

  test('responses that leave out live tickets prove nothing: the run waits, continues without them, and reports it', async () => {
    const one = await connect(emulator, service, { portal_id: 231, tickets: 100 })
    await nextSecond()
    const fault = (more: object) =>
      emulator.control('POST', '/faults', { kind: 'omit', times: null, ...more })
    // The list misses 45, and reads by id return none of them.
    await fault({ keep: 55, match: { method: 'GET', path: '/objects/', portal_id: 231 } })
    await fault({ match: { path: '/objects/2026-09/tickets/batch/read', portal_id: 231 } })
    const run = await one.start('full')
    const end = await eventually(async () => {
      const { body } = await service.get(`/api/hubspot/sync/${T}/${one.id}/${run}`)
      // On the next attempt it does not wait again.
      if (body.state === 'waiting') {
        assert.equal(body.waiting_for, 'hubspot_unavailable')
        await one.start('full')
      }
      return typeof body.finished_at === 'string' && body
    }, 'the pass ends')
    await emulator.control('DELETE', '/faults')
    assert.deepEqual([end.state, end.error_code, end.archived], ['partial', 'answers_incomplete', 0])
    assert.deepEqual(await one.differences(), [])
    const healed = await one.sync('full')
    assert.deepEqual([healed.state, healed.archived], ['succeeded', 0])
  })

  test('associations whose cursor does not move: the contacts are degraded, the run is partial, and all else is stored', async () => {
    const associations = { contacts: 2, companies: 1 }
    const match = { path: '/tickets/contacts/batch/read', portal_id: 232 }
    await emulator.control('POST', '/faults', { kind: 'stuck_cursor', times: null, match })
    const scopes = ['tickets', 'crm.objects.contacts.read', 'crm.objects.companies.read']
    const token = { kind: 'private_app', scopes }
    const one = await connect(emulator, service, { portal_id: 232, tickets: 30, associations }, token)
    const contacts = async () => {
      const { body } = await service.get(`/api/hubspot/integrations/${T}/${one.id}`)
      return body.resources.contacts
    }
    const { body: history } = await service.get(`/api/hubspot/sync/${T}/${one.id}`)
    const [first] = history.events
    assert.deepEqual([first.state, first.error_code], ['partial', 'associations_unread'])
    assert.match(first.error, /contacts/)
    assert.deepEqual([(await contacts()).state, (await contacts()).problem], ['degraded', 'invalid_answer'])
    const withSome = async (kind: string) =>
      [...(await one.issues()).values()].filter(({ associations: of }) => of?.[kind]?.length > 0).length
    assert.ok((await withSome('companies')) > 0)
    await emulator.control('DELETE', '/faults')
    assert.equal((await one.sync('full')).state, 'succeeded')
    assert.equal((await contacts()).state, 'ok')
    const had = await withSome('contacts')
    assert.ok(had > 15, String(had))
    // Responses that leave tickets out remove nothing.
    await emulator.control('POST', '/faults', { kind: 'omit', times: null, match })
    const short = await one.sync('full')
    await emulator.control('DELETE', '/faults')
    assert.deepEqual([short.state, short.error_code], ['partial', 'associations_unread'])
    assert.equal(await withSome('contacts'), had)
  })

  for (const no_associations of ['silent', 'empty', 'error'])
    test(`contacts removed from many tickets are removed here after one full pass (tickets without any: ${no_associations})`, async () => {
      await emulator.control('PATCH', '/quirks', { no_associations })
      const portal_id = { silent: 233, empty: 234, error: 235 }[no_associations] ?? 0
      const token = { kind: 'private_app', scopes: ['tickets', 'crm.objects.contacts.read'] }
      const portal = { portal_id, tickets: 90, associations: { contacts: 1 } }
      const one = await connect(emulator, service, portal, token)
      const having = async () =>
        [...(await one.issues())].filter(([, { associations: of }]) => of.contacts.length > 0)
      const before = await having()
      assert.ok(before.length > 25, String(before.length))
      await nextSecond()
      for (const [ticket_id, { associations: of }] of before)
        emulator.world.changeAssociation(portal_id, {
          ticket_id,
          to: 'contacts',
          to_id: of.contacts[0].id,
          types: [],
          remove: true,
        })
      const pass = await one.sync('full')
      await emulator.control('PATCH', '/quirks', { no_associations: 'error' })
      assert.equal(pass.state, 'succeeded')
      assert.deepEqual(await having(), [])
    })

  test('a merge: the incremental brings the survivor, and its losers point to it', async () => {
    const one = await connect(emulator, service, { portal_id: 203, tickets: 60 })
    const [primary, loser, third] = (await idsOf(one)) as [string, string, string]
    await nextSecond()
    const { survivor } = await one.act('POST', '/tickets/merge', { primary, loser })
    const run = await one.sync('incremental')
    assert.deepEqual({ inserted: run.inserted, archived: run.archived }, { inserted: 1, archived: 2 })
    let issues = await one.issues()
    for (const id of [primary, loser])
      assert.deepEqual([issues.get(id).archived, issues.get(id).merged_into], [true, survivor])
    assert.deepEqual(await one.differences(), [])
    // And once more: the survivor loses to another.
    await nextSecond()
    const next = await one.act('POST', '/tickets/merge', { primary: survivor, loser: third })
    await one.sync('incremental')
    await one.sync('full')
    issues = await one.issues()
    for (const id of [survivor, third]) assert.equal(issues.get(id).merged_into, next.survivor)
    assert.equal(issues.get(survivor).archived, true)
    assert.deepEqual(await one.differences(), [])
  })

  test('a second edit in the same millisecond is stored', async () => {
    const one = await connect(emulator, service, { portal_id: 204, tickets: 40 })
    const [id] = (await idsOf(one)) as [string]
    await nextSecond()
    const at = (await emulator.control('GET', '/clock')).now
    const now = typeof at === 'number' ? at : Date.now()
    await one.act('PATCH', `/tickets/${id}`, { properties: { subject: 'first' }, at: now })
    await one.sync('incremental')
    assert.equal((await one.issues()).get(id).subject, 'first')
    await one.act('PATCH', `/tickets/${id}`, { properties: { subject: 'second' }, at: now })
    await nextSecond()
    await one.sync('incremental')
    assert.equal((await one.issues()).get(id).subject, 'second')
  })

  test('a stale row of the index restores no deleted ticket', async () => {
    await emulator.control('PATCH', '/quirks', { index_keeps_archived: true, index_lag_ms: 60_000 })
    try {
      const one = await connect(emulator, service, { portal_id: 205, tickets: 30 })
      await emulator.control('PATCH', '/quirks', { index_lag_ms: 0 })
      const [id] = (await idsOf(one)) as [string]
      // Ahead of the clock, so that each search has the same look-back on a slow machine.
      const at = Date.now() + 30_000
      await one.act('PATCH', `/tickets/${id}`, { properties: { subject: 'edited' }, at })
      await one.sync('incremental')
      await emulator.control('PATCH', '/quirks', { index_lag_ms: 60_000 })
      await nextSecond()
      await one.act('DELETE', '/tickets', { ids: [id] })
      await one.sync('full')
      assert.equal((await one.issues()).get(id).archived, true)
      await nextSecond()
      const run = await one.sync('incremental')
      assert.ok(run.done >= 1, 'the search still finds it')
      assert.equal((await one.issues()).get(id).archived, true)
      assert.deepEqual(await one.differences(), [])
    } finally {
      await emulator.control('PATCH', '/quirks', { index_keeps_archived: false, index_lag_ms: 0 })
    }
  })

  test('an empty page that ends the list early marks nothing deleted, and too many deletions are held back until a second pass agrees', async () => {
    const one = await connect(emulator, service, { portal_id: 206, tickets: 400 })
    await nextSecond()
    await emulator.control('POST', '/faults', {
      kind: 'status',
      status: 200,
      body: { results: [] },
      match: { path: '/tickets', method: 'GET', query: 'properties=', portal_id: 206 },
      after: 2,
      times: 1,
    })
    const cut = await one.sync('full')
    assert.deepEqual(
      { state: cut.state, code: cut.error_code },
      { state: 'partial', code: 'deletions_held_back' },
    )
    assert.match(cut.error, /^200 issues were missing/)
    assert.deepEqual(await one.differences(), [])
    assert.equal((await one.sync('full')).state, 'succeeded')

    await nextSecond()
    await one.act('DELETE', '/tickets', { count: 150, pick: 'first', permanent: true })
    const first = await one.sync('full')
    assert.deepEqual({ state: first.state, archived: first.archived }, { state: 'partial', archived: 0 })
    const second = await one.sync('full')
    assert.deepEqual(
      { state: second.state, archived: second.archived },
      { state: 'succeeded', archived: 150 },
    )
    assert.deepEqual(await one.differences(), [])
  })

  test('ids that are sorted as text and compared as numbers: the window is settled by the list', async () => {
    await emulator.control('PATCH', '/quirks', { ticket_id_sort: 'mixed' })
    try {
      const one = await connect(emulator, service, {
        portal_id: 207,
        tickets: 600,
        first_ticket_id: 99_999_999_990 - 3_000_000,
      })
      await nextSecond()
      await one.act('PATCH', '/tickets', { count: 600, properties: { hs_ticket_priority: 'HIGH' } })
      await one.sync('incremental')
      assert.deepEqual(await one.differences(), [])
    } finally {
      await emulator.control('PATCH', '/quirks', { ticket_id_sort: 'number' })
    }
  })

  test('short and empty pages with a next cursor, shuffled rows, rows outside the window, a wobbly total', async () => {
    for (const [n, quirks] of [
      { short_pages: true },
      { search_order: 'shuffled' },
      { search_outside: true },
      { search_total: 'wobbly' },
      { ticket_id_sort: 'text' },
    ].entries()) {
      await emulator.control('PATCH', '/quirks', quirks)
      const one = await connect(emulator, service, { portal_id: 220 + n, tickets: 450 })
      await nextSecond()
      await one.act('PATCH', '/tickets', { count: 420, properties: { content: 'edited in bulk' } })
      await one.sync('incremental')
      assert.deepEqual(await one.differences(), [], JSON.stringify(quirks))
      await emulator.control('PATCH', '/quirks', {
        short_pages: false,
        search_order: 'sorted',
        search_outside: false,
        search_total: 'exact',
        ticket_id_sort: 'number',
      })
    }
  })

  test('600 properties: ids by list and search, values by batch read, and the look-back reads nothing twice', async () => {
    const one = await connect(emulator, service, { portal_id: 208, tickets: 125, custom_properties: 600 })
    assert.deepEqual(await one.differences(), [])
    await nextSecond()
    const ids = await idsOf(one)
    await one.act('PATCH', '/tickets', { ids: ids.slice(0, 110), properties: { content: 'wide' } })
    await one.act('DELETE', '/tickets', { ids: ids.slice(115, 118) })
    // Read within two seconds of its change a ticket is read once more, for a second edit in the same millisecond.
    await later(3_200)
    await one.forgetCalls()
    const run = await one.sync('incremental')
    assert.equal(run.changed, 110)
    const objects = async () => (await one.asked()).filter((call) => !call.includes('associations'))
    assert.deepEqual(await objects(), [
      'POST /crm/objects/2026-09/tickets/search',
      'POST /crm/objects/2026-09/tickets/batch/read',
      'POST /crm/objects/2026-09/tickets/batch/read',
    ])
    await one.forgetCalls()
    await one.sync('incremental')
    assert.deepEqual(await one.asked(), ['POST /crm/objects/2026-09/tickets/search'])
    // A loser whose survivor is found by its id does not change the survivor's data.
    await nextSecond()
    const [primary, loser] = ids.slice(120, 122) as [string, string]
    const { survivor } = await one.act('POST', '/tickets/merge', { primary, loser })
    await later(2_100)
    await one.sync('incremental')
    const issues = await one.issues()
    assert.equal(issues.get(loser).merged_into, survivor)
    assert.ok(Object.keys(issues.get(survivor).properties).length > 600)
    await one.sync('full')
    assert.deepEqual(await one.differences(), [])
    assert.equal((await emulator.requests('/crm/')).filter(({ status }) => status === 414).length, 0)
  })

  test('a run recovers from a saved cursor that HubSpot refuses', async () => {
    const one = await connect(emulator, service, { portal_id: 209, tickets: 600 })
    await emulator.control('POST', '/faults', {
      match: { path: '/tickets', method: 'GET', query: 'properties=', portal_id: 209 },
      kind: 'delay',
      delay_ms: 150,
      times: null,
    })
    const run = await one.start('full')
    await eventually(
      async () => (await service.get(`/api/hubspot/sync/${T}/${one.id}/${run}`)).body.done >= 300,
      'three pages',
    )
    await one.act('POST', '/cursors/void')
    await emulator.control('DELETE', '/faults')
    const ended = await one.ended(run, 30_000)
    assert.deepEqual({ state: ended.state, done: ended.done }, { state: 'succeeded', done: 600 })
  })

  test('incrementals continue while the first full pass runs', async () => {
    await emulator.control('POST', '/portals', { portal_id: 210, tickets: 600, plan: 'enterprise' })
    const { token } = await emulator.control('POST', '/portals/210/tokens', { kind: 'private_app' })
    await emulator.control('POST', '/faults', {
      match: { path: '/tickets', method: 'GET', query: 'properties=', portal_id: 210 },
      kind: 'delay',
      delay_ms: 400,
      times: null,
    })
    const { body } = await service.post(`/api/hubspot/integrations/${T}`, { access_token: token })
    const id = body.integration_id
    const running = async () => (await service.get(`/api/hubspot/sync/${T}/${id}`)).body.running
    await eventually(async () => (await running())[0]?.done >= 200, 'two pages')
    const [first] = (await emulator.control('GET', '/portals/210/truth?limit=1')).results
    await emulator.control('PATCH', `/portals/210/tickets/${first.id}`, {
      properties: { subject: 'meanwhile' },
    })
    const { body: started } = await service.post(`/api/hubspot/sync/${T}/${id}`, { sync_type: 'incremental' })
    await eventually(
      async () =>
        (await service.get(`/api/hubspot/sync/${T}/${id}/${started.sync_event_id}`)).body.state ===
        'succeeded',
      'the incremental ends',
    )
    assert.deepEqual(
      (await running()).map((event: { sync_type: string }) => event.sync_type),
      ['full'],
      'the full pass still runs',
    )
    const { body: list } = await service.get(`/api/hubspot/issues/${T}?limit=200&integration_id=${id}`)
    assert.equal(
      list.issues.find((issue: { ticket_id: string }) => issue.ticket_id === first.id).subject,
      'meanwhile',
    )
    await emulator.control('DELETE', '/faults')
    await eventually(async () => (await running()).length === 0, 'it ends', 40_000)
  })
})
