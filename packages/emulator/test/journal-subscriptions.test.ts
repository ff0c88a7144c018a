// What an app subscribes to in its journal, the filters on it, and who may.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { passes } from '../src/journal/conditions.ts'
import type { Condition } from '../src/journal/types.ts'
import { ask } from './help.ts'
import { shape, startJournal } from './journal-help.ts'

test('a filter lets only tickets through that fit one of its subscription’s filters', async (t) => {
  const j = await startJournal(t)
  const { id } = await j.subscribe({})
  const add = async (...conditions: object[]) =>
    j.api('POST', '/subscriptions/2026-03/filters', { subscriptionId: id, filter: { conditions } })
  const condition = (property: string, operator: string, more: object) => ({
    filterType: 'CRM_OBJECT_PROPERTY',
    property,
    operator,
    ...more,
  })
  const made = await add(
    condition('hs_ticket_priority', 'IN', { values: ['HIGH', 'URGENT'] }),
    condition('subject', 'STARTS_WITH', { value: 'Bike' }),
    condition('content', 'IS_NOT_EMPTY', {}),
  )
  assert.equal(made.status, 200)
  const ticket = (hs_ticket_priority: string, subject: string, content: string) =>
    j.world.addTickets(j.portal_id, { properties: { hs_ticket_priority, subject, content } })[0]
  const right = ticket('HIGH', 'Bike 1', 'x')
  ticket('LOW', 'Bike 2', 'x')
  ticket('HIGH', 'Car', 'x')
  ticket('HIGH', 'Bike 3', '')
  const first = await j.walk(null)
  assert.deepEqual(shape(first.events), [['CREATE', Number(right)]])
  const listed = (await j.api('GET', `/subscriptions/2026-03/filters/subscription/${id}`)).json
  assert.deepEqual([listed.length, listed[0].id], [1, made.json.filterId])
  const path = `/subscriptions/2026-03/filters/${made.json.filterId}`
  assert.equal((await j.api('GET', path)).json.filter.conditions.length, 3)
  assert.equal((await j.api('DELETE', path)).status, 204)
  assert.equal((await j.api('GET', path)).status, 404)
  ticket('LOW', 'Bike 4', 'x')
  assert.equal((await j.walk(first.offset)).events.length, 1)
  assert.equal((await add(condition('subject', 'LIKE', {}))).status, 400)
  assert.equal((await add({ property: 'subject', operator: 'EQ' })).status, 400)
  assert.equal((await j.api('POST', '/subscriptions/2026-03/filters', { subscriptionId: id })).status, 400)
})

test('conditions compare as their names say', () => {
  const value = (name: string) => ({ n: '10', text: 'Bike 1', time: '2026-11-25T10:00:00Z', empty: '' })[name]
  const cases: [string, string, string | string[], boolean][] = [
    ['text', 'EQ', 'Bike 1', true],
    ['text', 'EQ', 'bike 1', false],
    ['text', 'N_EQ', 'Car', true],
    ['text', 'CONTAINS', 'ke', true],
    ['text', 'CONTAINS', 'car', false],
    ['text', 'STARTS_WITH', 'ike', false],
    ['text', 'ENDS_WITH', '1', true],
    ['text', 'ENDS_WITH', 'Bike', false],
    ['n', 'GT', '9', true],
    ['n', 'GT', '10', false],
    ['n', 'GTE', '10', true],
    ['n', 'LT', '9', false],
    ['n', 'LT', '100', true],
    ['n', 'LTE', '10', true],
    ['time', 'GT', '2026-11-25T09:59:59.999Z', true],
    ['time', 'LTE', '2026-11-24T00:00:00Z', false],
    ['empty', 'LT', '5', false],
    ['text', 'IN', ['Car', 'Bike 1'], true],
    ['text', 'NOT_IN', ['Car', 'Bike 1'], false],
    ['nothing', 'IS_EMPTY', '', true],
    ['nothing', 'IS_NOT_EMPTY', '', false],
    ['n', 'IS_EMPTY', '', false],
  ]
  for (const [property, operator, given, right] of cases) {
    const more = Array.isArray(given) ? { values: given } : { value: given }
    const condition = { filterType: 'CRM_OBJECT_PROPERTY', property, operator, ...more } as Condition
    const filter = { id: 1, subscription_id: 1, created_at: 0, conditions: [condition] }
    assert.equal(passes([filter], value), right, `${property} ${operator} ${given}`)
  }
  assert.equal(passes([], value), true)
})

test('subscriptions are listed, shown and taken away, one or all of an account; nonsense is refused', async (t) => {
  const j = await startJournal(t)
  const { id, createdAt, updatedAt, ...made } = await j.subscribe({})
  assert.ok(createdAt && updatedAt && Number.isSafeInteger(id))
  assert.deepEqual(made, {
    appId: j.app.app_id,
    subscriptionType: 'OBJECT',
    portalId: j.portal_id,
    objectTypeId: '0-5',
    actions: ['CREATE', 'UPDATE', 'DELETE', 'MERGE', 'RESTORE'],
    properties: ['subject', 'content', 'region'],
    objectIds: [],
    associatedObjectTypeIds: [],
  })
  assert.equal((await j.api('GET', `/subscriptions/2026-09/${id}`)).json.id, id)
  assert.equal((await j.api('DELETE', `/subscriptions/2026-03/${id}`)).status, 204)
  assert.equal((await j.api('DELETE', `/subscriptions/2026-03/${id}`)).status, 404)
  assert.equal(j.world.emitter.emit, null)
  await j.subscribe({})
  assert.notEqual(j.world.emitter.emit, null)
  assert.equal((await j.api('DELETE', `/subscriptions/2026-03/portals/${j.portal_id}`)).status, 204)
  assert.deepEqual((await j.api('GET', '/subscriptions/2026-03')).json.results, [])
  assert.equal(j.world.emitter.emit, null)
  const right = {
    subscriptionType: 'OBJECT',
    portalId: j.portal_id,
    objectTypeId: '0-5',
    actions: ['CREATE'],
  }
  const stranger = j.world.addPortal({}).portal_id
  const wrong: [object, number][] = [
    [{ ...right, subscriptionType: 'DREAM' }, 400],
    [{ ...right, actions: ['EXPLODE'] }, 400],
    [{ ...right, actions: 'CREATE' }, 400],
    [{ ...right, objectTypeId: undefined }, 400],
    [{ ...right, portalId: stranger }, 403],
    [{ ...right, portalId: 1 }, 403],
    [{ subscriptionType: 'APP_LIFECYCLE_EVENT', eventTypeId: '4-1' }, 400],
    [{}, 400],
  ]
  for (const [body, status] of wrong)
    assert.equal((await j.api('POST', '/subscriptions/2026-03', body)).status, status, JSON.stringify(body))
})

test('each call needs its scope, of either naming by switch; an account’s token opens nothing', async (t) => {
  const j = await startJournal(t, {}, { journal_scopes: 'spec' }, [
    'webhooks-journal-data-access',
    'webhooks-journal-subscription-read',
    'webhooks-journal-subscription-management',
  ])
  await j.subscribe({})
  assert.equal((await j.read('/earliest')).status, 204)
  const reader = await j.mint('webhooks-journal-data-access')
  assert.equal((await j.api('GET', '/journal/2026-03/earliest', undefined, reader)).status, 204)
  const refused = await j.api('GET', '/subscriptions/2026-03', undefined, reader)
  assert.deepEqual([refused.status, refused.json.category], [403, 'MISSING_SCOPES'])
  const { token } = j.install(j.portal_id)
  assert.equal((await j.api('GET', '/journal/2026-03/earliest', undefined, token)).status, 401)
  assert.equal((await j.api('GET', '/journal/2026-03/earliest', undefined, 'nothing')).status, 401)
  // Another app reads its own journal, which is empty.
  const other = j.world.addApp({})
  j.world.addTickets(j.portal_id)
  const form = {
    grant_type: 'client_credentials',
    client_id: other.client_id,
    client_secret: other.client_secret,
    scope: 'webhooks-journal-data-access',
  }
  const foreign = (await ask(j.url, 'POST', '/oauth/2026-09/token', { form })).json.access_token
  assert.equal((await j.api('GET', '/journal/2026-03/earliest', undefined, foreign)).status, 204)
  assert.equal((await j.read('/earliest')).status, 200)
  j.world.changeQuirks({ journal_available: false })
  assert.equal((await j.read('/earliest')).json.category, 'MISSING_SCOPES')
  assert.equal((await j.api('GET', '/subscriptions/2026-03')).status, 403)
  assert.equal(await j.mint('webhooks-journal-data-access'), undefined)
})
