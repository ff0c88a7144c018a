// HubSpot's own Node client against the emulator: its requests, its parsers, its errors and its retries.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client, Signature } from '@hubspot/api-client'
import { startLimited } from './help.ts'
import { type Got, startHooked } from './receiver.ts'

type Failure = { code: number; body: Record<string, unknown>; headers: Record<string, string> }

async function start(tickets = 30) {
  const account = await startLimited({ tickets, owners: 7, custom_properties: 2 })
  const client = (accessToken = account.token, numberOfApiCallRetries = 0) =>
    new Client({
      accessToken,
      basePath: account.emulator.url,
      numberOfApiCallRetries,
      limiterOptions: { minTime: 0 },
    })
  return { ...account, client, hubspot: client() }
}

async function failure(work: Promise<unknown>): Promise<Failure> {
  try {
    await work
  } catch (error) {
    return error as Failure
  }
  throw new Error('it did not fail')
}

const NEW = { subject: 'From the official client', hs_pipeline: '0', hs_pipeline_stage: '1' }

test('it lists all tickets page by page, and getAll meets each one once', async (t) => {
  const account = await start(230)
  t.after(account.close)
  const { basicApi } = account.hubspot.crm.tickets
  const first = await basicApi.getPage(100, undefined, ['subject', 'hs_pipeline_stage'])
  assert.equal(first.results.length, 100)
  assert.ok(first.results[0]?.createdAt instanceof Date)
  const second = await basicApi.getPage(100, first.paging?.next?.after, ['subject'])
  assert.notEqual(second.results[0]?.id, first.results[0]?.id)
  const all = await account.hubspot.crm.tickets.getAll(100)
  assert.equal(new Set(all.map((one) => one.id)).size, 230)
})

test('it reads one ticket, with its archived state', async (t) => {
  const account = await start()
  t.after(account.close)
  const { basicApi } = account.hubspot.crm.tickets
  const [one] = (await basicApi.getPage(1)).results
  const read = await basicApi.getById(one?.id ?? '', ['subject', 'hubspot_owner_id'])
  assert.equal(read.properties.subject, one?.properties.subject)
  assert.equal(read.archived, false)
})

test('it creates, updates and archives a ticket', async (t) => {
  const account = await start()
  t.after(account.close)
  const { basicApi } = account.hubspot.crm.tickets
  const made = await basicApi.create({ properties: NEW, associations: [] })
  const changed = await basicApi.update(made.id, { properties: { hs_ticket_priority: 'HIGH', subject: '' } })
  assert.equal(changed.properties.hs_ticket_priority, 'HIGH')
  assert.equal(changed.properties.subject, undefined)
  await basicApi.archive(made.id)
  assert.equal((await failure(basicApi.getById(made.id))).code, 404)
  const archived = await basicApi.getById(made.id, undefined, undefined, undefined, true)
  assert.ok(archived.archivedAt instanceof Date)
})

test('it searches with filters, one sort and paging', async (t) => {
  const account = await start()
  t.after(account.close)
  const { searchApi } = account.hubspot.crm.tickets
  const since = account.emulator.world.truth(account.portal_id).results[10]?.createdAt ?? ''
  const request = {
    filterGroups: [
      {
        filters: [{ propertyName: 'createdate', operator: 'GTE' as never, value: String(Date.parse(since)) }],
      },
    ],
    sorts: ['hs_object_id'],
    properties: ['subject'],
    limit: 15,
  }
  const page = await searchApi.doSearch({ ...request, after: '0' })
  assert.equal(page.total, 20)
  assert.equal(page.results.length, 15)
  const rest = await searchApi.doSearch({ ...request, after: page.paging?.next?.after ?? '' })
  assert.equal(rest.results.length, 5)
})

test('it reads, creates, updates and archives in batches, and sees the errors of a partial success', async (t) => {
  const account = await start(3)
  t.after(account.close)
  const { batchApi, basicApi } = account.hubspot.crm.tickets
  const created = await batchApi.create({
    inputs: [
      { properties: NEW, associations: [] },
      { properties: NEW, associations: [] },
    ],
  })
  const ids = created.results.map((one) => one.id)
  const updated = await batchApi.update({
    inputs: ids.map((id) => ({ id, properties: { content: `text of ${id}` } })),
  })
  assert.equal(updated.results.length, 2)
  const read = await batchApi.read({
    inputs: [...ids, '404404'].map((id) => ({ id })),
    properties: ['content'],
    propertiesWithHistory: [],
  })
  assert.equal(read.status, 'COMPLETE')
  assert.equal(read.results.length, 2)
  assert.ok(read.startedAt instanceof Date)
  assert.equal('numErrors' in read && read.numErrors, 1)
  assert.deepEqual('errors' in read && read.errors?.[0]?.context, { ids: ['404404'] })
  await batchApi.archive({ inputs: ids.map((id) => ({ id })) })
  assert.equal((await basicApi.getPage(100)).results.length, 3)
})

test('it reads owners, pipelines and properties', async (t) => {
  const account = await start()
  t.after(account.close)
  const { owners, pipelines, properties } = account.hubspot.crm
  const page = await owners.ownersApi.getPage(undefined, undefined, 100, false)
  assert.equal(page.results.length, 6)
  const archived = await owners.ownersApi.getPage(undefined, undefined, 100, true)
  assert.equal(archived.results[0]?.archived, true)
  const one = await owners.ownersApi.getById(Number(page.results[0]?.id))
  assert.equal(one.email, page.results[0]?.email)
  const lines = await pipelines.pipelinesApi.getAll('tickets')
  assert.equal(lines.results[0]?.id, '0')
  assert.equal(lines.results[0]?.stages[3]?.metadata?.isClosed, 'true')
  const stages = await pipelines.pipelineStagesApi.getAll('tickets', '0')
  assert.equal(stages.results.length, 4)
  const definitions = await properties.coreApi.getAll('tickets')
  assert.ok(definitions.results.some((each) => each.name === 'subject' && each.type === 'string'))
  assert.equal((await properties.coreApi.getByName('tickets', 'hs_object_id')).hasUniqueValue, true)
})

test('its errors carry status, category and headers: 400, 401, 403, 404', async (t) => {
  const account = await start()
  t.after(account.close)
  const { world } = account.emulator
  const of = (token: string) => account.client(token).crm.tickets.basicApi
  const limit = await failure(of(account.token).getPage(101))
  assert.deepEqual([limit.code, limit.body.category], [400, 'VALIDATION_ERROR'])
  const property = await failure(
    of(account.token).create({ properties: { ...NEW, nope: '1' }, associations: [] }),
  )
  assert.equal(property.code, 400)
  assert.match(String(property.body.message), /^Property values were not valid: \[/)
  const nobody = await failure(of('pat-na1-nobody').getPage())
  assert.deepEqual([nobody.code, nobody.body.category], [401, 'INVALID_AUTHENTICATION'])
  assert.equal(nobody.headers['x-hubspot-auth-failure'], '401 Unauthorized')
  const { token: old } = world.addToken(account.portal_id, { kind: 'oauth' })
  world.tokens.expire({ token: old })
  assert.equal((await failure(of(old).getPage())).body.category, 'EXPIRED_AUTHENTICATION')
  const { token: poor } = world.addToken(account.portal_id, { kind: 'static', scopes: ['oauth'] })
  const forbidden = await failure(of(poor).getPage())
  assert.deepEqual([forbidden.code, forbidden.body.category], [403, 'MISSING_SCOPES'])
  const missing = await failure(of(account.token).getById('12345'))
  assert.deepEqual([missing.code, missing.body.message], [404, 'resource not found'])
  const search = await failure(
    account.hubspot.crm.tickets.searchApi.doSearch({
      limit: 200,
      after: '10000',
      sorts: [],
      properties: [],
      filterGroups: [],
    }),
  )
  assert.equal(search.code, 400)
})

test('its own retry knows the bodies of 429 and 5xx: a search limit is waited out, a server error tried again', async (t) => {
  const account = await start()
  t.after(account.close)
  const { world } = account.emulator
  const quiet = t.mock.method(console, 'error', () => {})
  world.faults.add({ kind: 'rate_limit', policy: 'secondly', match: { path: '/search' } })
  world.faults.add({ kind: 'status', status: 502, match: { method: 'GET' } })
  const { searchApi, basicApi } = account.client(account.token, 2).crm.tickets
  const empty = { limit: 1, after: '0', sorts: [], properties: [], filterGroups: [] }
  const [page, list] = await Promise.all([searchApi.doSearch(empty), basicApi.getPage(1)])
  assert.equal(page.total, 30)
  assert.equal(list.results.length, 1)
  assert.equal(quiet.mock.callCount(), 2)
  world.faults.add({ kind: 'rate_limit', policy: 'daily' })
  const limited = await failure(basicApi.getPage(1))
  assert.deepEqual([limited.code, limited.body.policyName], [429, 'DAILY'])
})

test('its OAuth calls still speak v1: they fail when v1 has ended, and work while it is kept alive', async (t) => {
  const account = await start()
  t.after(account.close)
  const { world } = account.emulator
  const app = world.addApp({ required_scopes: ['tickets'] })
  const { refresh_token } = world.addToken(account.portal_id, { kind: 'oauth', client_id: app.client_id })
  const refresh = () =>
    account.hubspot.oauth.tokensApi.create(
      'refresh_token',
      undefined,
      undefined,
      app.client_id,
      app.client_secret,
      refresh_token,
    )
  assert.equal((await failure(refresh())).code, 404)
  world.changeQuirks({ oauth_v1: 'alive' })
  const fresh = await refresh()
  assert.equal(fresh.expiresIn, 1800)
  assert.equal((await account.client(fresh.accessToken).crm.tickets.basicApi.getPage(1)).results.length, 1)
})

test('the authorize URL that it builds is understood', async (t) => {
  const account = await start()
  t.after(account.close)
  const redirect = 'http://localhost:3000/back'
  const app = account.emulator.world.addApp({ redirect_uris: [redirect], required_scopes: ['tickets'] })
  const url = new URL(
    account.hubspot.oauth.getAuthorizationUrl(
      app.client_id,
      redirect,
      'oauth tickets',
      'crm.objects.owners.read',
      'st',
    ),
  )
  const answer = await fetch(`${account.emulator.url}/oauth/authorize${url.search}&auto=1`, {
    redirect: 'manual',
  })
  const back = new URL(answer.headers.get('location') ?? '')
  assert.equal(back.searchParams.get('state'), 'st')
  assert.ok(back.searchParams.get('code'))
})

test('it sets an app’s webhooks with the developer key, and takes a delivery for genuine', async (t) => {
  const hook = await startHooked(t, [])
  const { app, world, receiver } = hook
  const client = new Client({
    developerApiKey: hook.set.hapikey,
    basePath: hook.url,
    numberOfApiCallRetries: 0,
  })
  const { settingsApi, subscriptionsApi } = client.webhooks
  const throttling = { maxConcurrentRequests: 10 }
  const targetUrl = `${receiver.url}?from=hs%3Aapp`
  assert.equal((await settingsApi.configure(app.app_id, { targetUrl, throttling })).targetUrl, targetUrl)
  const eventType = 'ticket.creation' as Parameters<typeof subscriptionsApi.create>[1]['eventType']
  const made = await subscriptionsApi.create(app.app_id, { eventType, active: false })
  assert.ok(made.createdAt instanceof Date)
  await subscriptionsApi.update(Number(made.id), app.app_id, { active: true })
  assert.equal((await subscriptionsApi.getAll(app.app_id)).results[0]?.active, true)
  const denied = new Client({ developerApiKey: 'wrong', basePath: hook.url, numberOfApiCallRetries: 0 })
  assert.equal((await failure(denied.webhooks.settingsApi.getAll(app.app_id))).code, 401)

  world.addTickets(hook.portal_id, { properties: { subject: 'Zoë ☕' } })
  await hook.wait()
  const [got] = receiver.got
  const { headers, body: requestBody } = got as Got
  // The client leaves the decoding to whoever calls it.
  const url = `${receiver.url}?from=hs:app`
  const signed = { clientSecret: app.client_secret, requestBody, url, method: 'POST' }
  assert.ok(
    Signature.isValid({
      ...signed,
      signatureVersion: 'v3',
      signature: String(headers['x-hubspot-signature-v3']),
      timestamp: Number(headers['x-hubspot-request-timestamp']),
    }),
  )
  const signature = String(headers['x-hubspot-signature'])
  assert.ok(Signature.isValid({ ...signed, signatureVersion: 'v1', signature }))
  assert.ok(!Signature.isValid({ ...signed, clientSecret: 'other', signatureVersion: 'v1', signature }))
})
