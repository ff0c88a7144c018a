// The files of the journal: how much they hold, how they are read, how long they and their addresses live.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask } from './help.ts'
import { startJournal } from './journal-help.ts'

const DAY = 86_400_000

test('files hold so many events, come in order, one by one or in batches, all or of one account', async (t) => {
  const j = await startJournal(t)
  const other = j.world.addPortal({ tickets: 0 }).portal_id
  j.install(other)
  await j.subscribe({})
  await j.subscribe({ portalId: other })
  const settings = (await ask(j.url, 'PATCH', '/_emulator/journal', { body: { file_events: 10 } })).json
  assert.equal(settings.settings.file_events, 10)
  const mine = j.world.addTickets(j.portal_id, { count: 25 })
  const theirs = j.world.addTickets(other, { count: 10 })
  const { events, offset } = await j.walk(null)
  assert.deepEqual(
    events.map((one) => String(one.objectId)),
    [...mine, ...theirs],
  )
  const all = (await j.read('/batch/earliest/100')).json
  assert.deepEqual([all.status, all.results.length], ['COMPLETE', 4])
  const offsets = all.results.map((one: { currentOffset: string }) => one.currentOffset)
  assert.equal(offsets.at(-1), offset)
  assert.equal((await j.read('/earliest')).json.currentOffset, offsets[0])
  assert.equal((await j.read('/latest')).json.currentOffset, offsets[3])
  const pick = async (path: string) =>
    (await j.read(path)).json.results.map((one: { currentOffset: string }) => one.currentOffset)
  assert.deepEqual(await pick('/batch/earliest/2'), offsets.slice(0, 2))
  assert.deepEqual(await pick('/batch/latest/2'), offsets.slice(2))
  assert.deepEqual(await pick(`/batch/${offsets[0]}/next/2`), offsets.slice(1, 3))
  assert.deepEqual(await pick(`/batch/${offsets[3]}/next/2`), [])
  for (const count of ['0', '101', 'x']) assert.equal((await j.read(`/batch/earliest/${count}`)).status, 400)

  const some = await j.api('POST', '/journal/2026-03/batch/read', { inputs: [offsets[2], offsets[0]] })
  assert.deepEqual(
    [some.status, some.json.results.map((one: { currentOffset: string }) => one.currentOffset)],
    [200, [offsets[2], offsets[0]]],
  )
  const partly = await j.api('POST', '/journal/2026-03/batch/read', { inputs: [offsets[1], 'gone'] })
  assert.deepEqual([partly.status, partly.json.results.length, partly.json.numErrors], [207, 1, 1])

  const own = await j.walk(null, `?installPortalId=${other}`)
  assert.deepEqual(
    own.events.map((one) => String(one.objectId)),
    theirs,
  )
  assert.equal((await j.api('GET', '/journal-local/2026-09/earliest')).json.currentOffset, offsets[0])
})

test('the address of a file needs no token, cannot be made up, and ends; files end after three days', async (t) => {
  const j = await startJournal(t, {}, { access_token_ttl_s: 900_000 })
  await j.subscribe({})
  j.world.addTickets(j.portal_id)
  const { json: pointer } = await j.read('/earliest')
  await j.open(pointer)
  assert.ok(Date.parse(pointer.expiresAt) > Date.now())
  for (const wrong of [
    pointer.url.replace(/signature=../, 'signature=00'),
    pointer.url.replace(/expires=\d/, 'expires=9'),
    pointer.url.replace('?', `?portal=${j.portal_id}&`),
  ])
    assert.equal((await fetch(wrong)).status, 403, wrong)
  j.world.clock.advance(300_001)
  const late = await fetch(pointer.url)
  assert.equal(late.status, 403)
  assert.match(await late.text(), /expired/)
  j.world.clock.advance(3 * DAY - 400_000)
  const fresh = (await j.read('/earliest')).json
  assert.equal(fresh.currentOffset, pointer.currentOffset)
  j.world.addTickets(j.portal_id)
  const second = (await j.read('/latest')).json.currentOffset
  j.world.clock.advance(200_000)
  assert.equal((await j.read('/earliest')).json.currentOffset, second)
  const lost = await j.read(`/offset/${pointer.currentOffset}/next`)
  assert.deepEqual([lost.status, lost.json.category], [404, 'OBJECT_NOT_FOUND'])
  j.world.changeQuirks({ journal_lost_offset: 'earliest' })
  assert.equal((await j.read(`/offset/${pointer.currentOffset}/next`)).json.currentOffset, second)
  assert.equal((await fetch(fresh.url)).status, 404)
})

test('a file is published after a while, or at once on order', async (t) => {
  const j = await startJournal(t)
  await j.subscribe({})
  await ask(j.url, 'PATCH', '/_emulator/journal', { body: { publish_ms: 60_000 } })
  j.world.addTickets(j.portal_id)
  assert.equal((await j.read('/earliest')).status, 204)
  j.world.clock.advance(60_000)
  assert.equal((await j.read('/earliest')).status, 200)
  j.world.addTickets(j.portal_id)
  const { apps } = (await ask(j.url, 'POST', '/_emulator/journal/publish')).json
  assert.deepEqual(apps, [
    { client_id: j.app.client_id, subscriptions: 1, files: 2, events: 2, open: 0, dropped: 0 },
  ])
  await ask(j.url, 'PATCH', '/_emulator/journal', { body: { most_events: 3, file_events: 1 } })
  j.world.addTickets(j.portal_id, { count: 4 })
  assert.deepEqual(j.world.journal.state()[0], {
    client_id: j.app.client_id,
    subscriptions: 1,
    files: 3,
    events: 3,
    open: 0,
    dropped: 3,
  })
  await ask(j.url, 'PATCH', '/_emulator/journal', {
    body: { file_events: 100, file_characters: 1000, most_events: 100 },
  })
  j.world.addTickets(j.portal_id, { properties: { content: 'x'.repeat(1200) } })
  const [state] = j.world.journal.state()
  assert.deepEqual([state?.files, state?.open], [4, 0])
  for (const body of [{ file_event: 1 }, { file_events: 0 }, { retention_ms: 'long' }])
    assert.equal((await ask(j.url, 'PATCH', '/_emulator/journal', { body })).status, 400)
})

test('no limit counts reads of the journal', async (t) => {
  const j = await startJournal(t)
  const limits = { oauth_ten_secondly: 2, private_ten_secondly: 2, daily: 2 }
  await ask(j.url, 'POST', '/_emulator/limits', { body: limits })
  for (let i = 0; i < 10; i++) assert.equal((await j.read('/earliest')).status, 204)
})
