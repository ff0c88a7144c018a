// What befalls a ticket: archived, restored, merged, permanently deleted; and cursors that are refused.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Account, ask, filter, listIds, SEARCH, startAccount, TICKETS } from './help.ts'

const control = (account: Account, method: string, path: string, body?: object) =>
  ask(account.emulator.url, method, `/_emulator/portals/${account.portal_id}${path}`, { body })

const archivedIds = (account: Account) => listIds(account, '&archived=true')

test('archived tickets are listed apart, in order, and restored ones live again', async (t) => {
  const account = await startAccount({ tickets: 60 })
  t.after(account.close)
  const all = await listIds(account)
  const gone = all.filter((_, i) => i % 3 === 0)
  await control(account, 'DELETE', '/tickets', { ids: [...gone].reverse() })
  assert.deepEqual(await archivedIds(account), gone)
  assert.deepEqual(
    await listIds(account),
    all.filter((id) => !gone.includes(id)),
  )
  const back = (await control(account, 'POST', '/tickets/restore', { ids: gone.slice(0, 2) })).json.ids
  assert.deepEqual(back, gone.slice(0, 2))
  assert.equal((await account.get(`${TICKETS}/${back[0]}`)).json.archived, false)
  const last = (await control(account, 'POST', '/tickets/restore', { count: 3, pick: 'last' })).json.ids
  assert.deepEqual(last, gone.slice(-3).reverse())
  const some = (await control(account, 'POST', '/tickets/restore', { count: 5 })).json.ids
  assert.equal(new Set(some).size, 5)
  assert.equal((await archivedIds(account)).length, gone.length - 10)
  assert.equal((await account.post(SEARCH, {})).json.total, 50)
  assert.equal((await control(account, 'POST', '/tickets/restore', { ids: [back[0]] })).status, 400)
  assert.equal((await control(account, 'POST', '/tickets/restore', { ids: ['1'] })).status, 400)
})

test('archived tickets are listed in the order of ids as text too', async (t) => {
  const account = await startAccount(
    { tickets: 40, first_ticket_id: 99_999_999_900 },
    { ticket_id_sort: 'text' },
  )
  t.after(account.close)
  const all = await listIds(account)
  await control(account, 'DELETE', '/tickets', { ids: all })
  assert.deepEqual(await archivedIds(account), all)
  assert.deepEqual(all, [...all].sort())
})

test('archiving and restoring leave the modified time alone, or move it by switch', async (t) => {
  const account = await startAccount({ tickets: 2 })
  t.after(account.close)
  const { world } = account.emulator
  const [id] = (await listIds(account)) as [string]
  const modified = () => Date.parse(world.ticket(account.portal_id, id)?.updatedAt ?? '')
  const before = modified()
  const act = async (at: number) => {
    await control(account, 'DELETE', '/tickets', { ids: [id], at })
    const archived = modified()
    await control(account, 'POST', '/tickets/restore', { ids: [id], at: at + 500 })
    return [archived, modified()]
  }
  const at = Date.UTC(2027, 4, 1)
  assert.deepEqual(await act(at), [before, before])
  world.changeQuirks({ archive_bumps: true })
  assert.deepEqual(await act(at), [at, at])
  world.changeQuirks({ archive_bumps: false, restore_bumps: true })
  assert.deepEqual(await act(at + 1000), [at, at + 1500])
})

test('a merge makes a ticket with a new id; both originals are archived and point at it', async (t) => {
  const account = await startAccount({ tickets: 30 })
  t.after(account.close)
  const { world } = account.emulator
  const ids = (await listIds(account)) as [string, string, string, string]
  const [older, primary, other] = ids
  const was = world.ticket(account.portal_id, primary)
  const born = world.ticket(account.portal_id, older)?.createdAt
  const { survivor } = (await control(account, 'POST', '/tickets/merge', { primary, loser: older })).json
  assert.ok(Number(survivor) > Number(ids.at(-1)))
  const shown = world.ticket(account.portal_id, survivor)
  assert.equal(shown?.properties.hs_merged_object_ids, `${primary};${older}`)
  assert.equal(shown?.properties.subject, was?.properties.subject)
  assert.equal(shown?.properties.content, was?.properties.content)
  assert.equal(shown?.createdAt, born)
  assert.ok(Date.now() - Date.parse(shown?.updatedAt ?? '') < 5000)
  for (const id of [primary, older]) {
    assert.equal(world.ticket(account.portal_id, id)?.archived, true)
    assert.equal(world.ticket(account.portal_id, id)?.mergedInto, survivor)
  }
  // HubSpot's own call, and a chain: everything that went in stays named.
  const answer = await account.post(`${TICKETS}/merge`, { primaryObjectId: other, objectIdToMerge: survivor })
  assert.equal(answer.status, 200)
  assert.equal(answer.json.properties.hs_merged_object_ids, [other, survivor, primary, older].join(';'))
  assert.equal((await listIds(account)).length, 28)
  assert.equal(world.truth(account.portal_id).total, 28)
  assert.equal(world.truth(account.portal_id, { archived: true }).total, 4)
  assert.equal((await control(account, 'POST', '/tickets/restore', { ids: [older] })).status, 400)
  assert.deepEqual((await control(account, 'POST', '/tickets/restore', { count: 9 })).json.ids, [])
  for (const body of [
    { primaryObjectId: answer.json.id },
    { primaryObjectId: answer.json.id, objectIdToMerge: answer.json.id },
    { primaryObjectId: answer.json.id, objectIdToMerge: older },
    { primaryObjectId: answer.json.id, objectIdToMerge: 'abc' },
  ])
    assert.ok([400, 404].includes((await account.post(`${TICKETS}/merge`, body)).status))
  assert.equal(
    (await control(account, 'POST', '/tickets/merge', { primary: other, loser: older })).status,
    400,
  )
})

test('the archived list holds merged tickets, or leaves them out by switch', async (t) => {
  const account = await startAccount({ tickets: 10 })
  t.after(account.close)
  const { world } = account.emulator
  const [a, b, c] = (await listIds(account)) as [string, string, string]
  await control(account, 'DELETE', '/tickets', { ids: [c] })
  const { survivor } = (await control(account, 'POST', '/tickets/merge', { primary: a, loser: b })).json
  const archivedBatch = async () =>
    (
      await account.post(`${TICKETS}/batch/read?archived=true`, { inputs: [{ id: a }, { id: c }] })
    ).json.results.map((one: { id: string }) => one.id)
  assert.deepEqual(await archivedIds(account), [a, b, c])
  assert.deepEqual((await archivedBatch()).sort(), [a, c])
  assert.equal((await account.get(`${TICKETS}/${a}?archived=true`)).json.id, a)
  world.changeQuirks({ archived_list_has_merged: false })
  assert.deepEqual(await archivedIds(account), [c])
  assert.deepEqual(await archivedBatch(), [c])
  assert.equal((await account.get(`${TICKETS}/${a}?archived=true`)).status, 404)
  await control(account, 'DELETE', '/tickets', { ids: [survivor] })
  assert.equal((await account.get(`${TICKETS}/${a}?archived=true`)).json.id, survivor)
})

test('a merged id answers with the survivor, or is missing by switch; a batch update never resolves it', async (t) => {
  const account = await startAccount({ tickets: 10 })
  t.after(account.close)
  const [a, b, c] = (await listIds(account)) as [string, string, string]
  const merge = async (primary: string, loser: string) =>
    (await control(account, 'POST', '/tickets/merge', { primary, loser })).json.survivor as string
  const survivor = await merge(await merge(a, b), c)
  const patch = (id: string) =>
    account.call('PATCH', `${TICKETS}/${id}`, { body: { properties: { subject: `by ${id}` } } })
  assert.equal((await account.get(`${TICKETS}/${b}`)).json.id, survivor)
  assert.equal((await patch(a)).json.id, survivor)
  assert.equal((await account.get(`${TICKETS}/${survivor}`)).json.properties.subject, `by ${a}`)
  const batch = await account.post(`${TICKETS}/batch/update`, {
    inputs: [{ id: a, properties: { subject: 'x' } }],
  })
  assert.deepEqual(batch.json.errors[0].context.ids, [a])
  account.emulator.world.changeQuirks({ get_merged: 'missing' })
  assert.equal((await account.get(`${TICKETS}/${b}`)).status, 404)
  assert.equal((await patch(a)).status, 404)
  assert.equal((await account.get(`${TICKETS}/${survivor}`)).status, 200)
})

test('a permanently deleted ticket is known nowhere any more, whether it was live, archived or made here', async (t) => {
  const account = await startAccount({ tickets: 12 })
  t.after(account.close)
  const { world } = account.emulator
  const [live, archived] = (await listIds(account)) as [string, string]
  const [made] = world.addTickets(account.portal_id) as [string]
  await control(account, 'DELETE', '/tickets', { ids: [archived] })
  const gone = [live, archived, made]
  assert.deepEqual(
    (await control(account, 'DELETE', '/tickets', { ids: gone, permanent: true })).json.ids,
    gone,
  )
  for (const id of gone) {
    for (const query of ['', '?archived=true'])
      assert.equal((await account.get(`${TICKETS}/${id}${query}`)).status, 404)
    assert.equal((await control(account, 'GET', `/tickets/${id}`)).status, 400)
    assert.equal((await account.post(SEARCH, filter('hs_object_id', 'EQ', id))).json.total, 0)
  }
  assert.equal((await listIds(account)).length, 10)
  assert.deepEqual(await archivedIds(account), [])
  for (const archivedToo of [false, true]) {
    const truth = world.truth(account.portal_id, { archived: archivedToo })
    assert.equal(truth.total, archivedToo ? 0 : 10)
    assert.equal(truth.results.length, truth.total)
  }
  // The id is not given to the next ticket, and a second deletion is a mistake.
  assert.ok(Number(world.addTickets(account.portal_id)[0]) > Number(made))
  assert.equal((await control(account, 'DELETE', '/tickets', { ids: [live], permanent: true })).status, 400)
  assert.equal(
    (await control(account, 'DELETE', '/tickets', { count: 4, permanent: true })).json.ids.length,
    4,
  )
  assert.equal((await listIds(account)).length, 7)
})

test('the index may hold an archived or permanently deleted ticket until its lag is over', async (t) => {
  const account = await startAccount(
    { tickets: 6 },
    { index_lag_ms: 10_000, index_keeps_archived: true, search_values: 'current' },
  )
  t.after(account.close)
  const [a, b] = (await listIds(account)) as [string, string]
  await control(account, 'DELETE', '/tickets', { ids: [a] })
  await control(account, 'DELETE', '/tickets', { ids: [b], permanent: true })
  assert.equal((await account.post(SEARCH, {})).json.total, 6)
  account.emulator.world.clock.advance(10_001)
  assert.equal((await account.post(SEARCH, {})).json.total, 4)
})

test('cursors can be made void: those handed out before are refused, new ones are not', async (t) => {
  const account = await startAccount({ tickets: 30 })
  t.after(account.close)
  const page = (after = '') =>
    account.get(`${TICKETS}?limit=10${after && `&after=${encodeURIComponent(after)}`}`)
  for (const list_after of ['opaque', 'id'] as const) {
    account.emulator.world.changeQuirks({ list_after })
    const first = (await page()).json.paging.next.after
    const second = (await page(first)).json.paging.next.after
    assert.equal((await control(account, 'POST', '/cursors/void')).status, 200)
    for (const old of [first, second]) {
      const answer = await page(old)
      assert.equal(answer.status, 400, list_after)
      assert.equal(answer.json.category, 'VALIDATION_ERROR')
    }
    const fresh = (await page()).json.paging.next.after
    assert.equal((await page(fresh)).json.results.length, 10)
    assert.equal((await listIds(account)).length, 30)
  }
})
