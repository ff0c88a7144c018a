// The emulator's real answers against HubSpot's own OpenAPI documents. They are not part of this repository; without
// them (SPOKE_SHARED_DIR, or ../shared beside the repository) every check is skipped, aloud.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Ajv, type ValidateFunction } from 'ajv'
import formatsModule from 'ajv-formats'
import { type Account, type Answer, ask, startAccount } from './help.ts'

const shared = process.env.SPOKE_SHARED_DIR ?? join(import.meta.dirname, '../../../../shared')
const folder = join(shared, 'hubspot-openapi')
const absent = existsSync(folder)
  ? false
  : `HubSpot's OpenAPI documents are not at ${folder}: nothing was checked against them`

type Schema = Record<string, unknown>
type Content = { $ref?: string; content?: Record<string, { schema: Schema }> }
type Operation = { responses: Record<string, Content> }
type Document = {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, Schema>; responses?: Record<string, Content> }
}

// Where real answers of HubSpot differ from its own documents, the answers win, and the document is loosened here and
// nowhere else: empty properties are null; a group of batch errors has no `errors`, `links` and so on; deactivated
// owners have a null userId; a customer's domain may be null; an association's label may be null and a subCategory is text.
function loosen(name: string, schema: Schema): Schema {
  const copy = structuredClone(schema) as Schema & {
    required?: string[]
    properties?: Record<string, Schema>
  }
  const properties = copy.properties ?? {}
  const nullable = (key: string, type: string) => {
    if (properties[key]) properties[key] = { ...properties[key], type: [type, 'null'] }
  }
  if (/^SimplePublic(Upsert)?Object(WithAssociations)?$/.test(name)) {
    properties.properties = { type: 'object', additionalProperties: { type: ['string', 'null'] } }
  }
  if (name === 'StandardError') {
    copy.required = ['category', 'message', 'status', 'context']
    if (properties.subCategory) properties.subCategory = { type: 'string' }
  }
  if (name === 'AssociationSpecWithLabel') nullable('label', 'string')
  if (name === 'PublicOwner') nullable('userId', 'integer')
  if (/^Public(Access|Refresh)TokenInfoResponse$/.test(name)) nullable('hub_domain', 'string')
  return copy
}

// Keys that no schema names are refused, so that the emulator cannot answer with fields HubSpot does not have. The few
// that are seen on real answers and missing in the documents are named.
const SEEN: Record<string, string[]> = {
  Error: ['status', 'errorType', 'policyName', 'groupName', 'requestId'],
}

function strict(name: string, schema: Schema): Schema {
  const properties = schema.properties as Schema | undefined
  if (!properties || Object.keys(properties).length === 0 || 'additionalProperties' in schema) return schema
  const more = Object.fromEntries((SEEN[name] ?? []).map((key) => [key, {}]))
  return { ...schema, properties: { ...properties, ...more }, additionalProperties: false }
}

function readDocument(file: string) {
  const document = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Document
  const ajv = new Ajv({ strict: false, allErrors: true })
  // The module's default export sits one level deeper for who imports it from a module.
  const addFormats = ('default' in formatsModule ? formatsModule.default : formatsModule) as unknown as (
    to: Ajv,
  ) => void
  addFormats(ajv)
  const schemas = Object.fromEntries(
    Object.entries(document.components.schemas).map(([name, schema]) => [
      name,
      strict(name, loosen(name, schema)),
    ]),
  )
  ajv.addSchema({ $id: 'doc', components: { schemas } })
  const compile = (schema: Schema): ValidateFunction =>
    ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"doc#/components')) as Schema)
  return { document, compile }
}

type Doc = ReturnType<typeof readDocument>

// The status must be one the operation documents (an error falls under `default`), and the body must fit its schema.
function check({ document, compile }: Doc, method: string, path: string, answer: Answer): void {
  const operation = document.paths[path]?.[method.toLowerCase()]
  assert.ok(operation, `${method} ${path} is in the document`)
  const success = operation.responses[String(answer.status)]
  assert.ok(success || answer.status >= 400, `${method} ${path}: ${answer.status} is a documented status`)
  const named = success ?? operation.responses.default
  const response = named?.$ref ? document.components.responses?.[named.$ref.split('/').at(-1) ?? ''] : named
  const schema = Object.values(response?.content ?? {})[0]?.schema
  if (!schema) {
    assert.ok(answer.text === '' && answer.status < 400, `${method} ${path} ${answer.status} has no body`)
    return
  }
  const validate = compile(schema)
  assert.ok(
    validate(answer.json),
    `${method} ${path} ${answer.status}: ${JSON.stringify(validate.errors?.slice(0, 5))}\n${answer.text.slice(0, 600)}`,
  )
}

async function start(t: TestContext): Promise<Account> {
  const account = await startAccount({
    tickets: 40,
    owners: 8,
    custom_properties: 10,
    pipelines: 3,
    associations: { contacts: 600, companies: 2, deals: 1 },
  })
  t.after(account.close)
  const { token } = account.emulator.world.addToken(account.portal_id, {
    kind: 'private_app',
    scopes: SCOPES,
  })
  const call: Account['call'] = (method, path, options = {}) =>
    account.call(method, path, { token, ...options })
  return {
    ...account,
    call,
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, { body }),
  }
}

const SCOPES = [
  'oauth',
  'tickets',
  'crm.objects.owners.read',
  'crm.objects.contacts.read',
  'crm.objects.companies.read',
  'crm.objects.deals.read',
]
const PROPERTIES = { subject: 'x', hs_pipeline: '0', hs_pipeline_stage: '1' }

for (const version of ['2026-03', '2026-09']) {
  test(
    `tickets ${version}: list, get, search, batches, create, update, archive and their errors`,
    { skip: absent },
    async (t) => {
      const account = await start(t)
      const doc = readDocument(`tickets.${version}.json`)
      const base = `/crm/objects/${version}/tickets`
      const generic = version === '2026-09' ? `/crm/objects/${version}/{objectType}` : base
      const one = `${generic}/${version === '2026-09' ? '{objectId}' : '{ticketId}'}`
      const [ids, archived] = [
        (await account.get(`${base}?limit=20`)).json.results.map((each: { id: string }) => each.id),
        account.emulator.world.archiveTickets(account.portal_id, { count: 2 }),
      ]
      const live = ids.filter((id: string) => !archived.includes(id))
      const inputs = live.slice(0, 5).map((id: string) => ({ id }))

      check(doc, 'GET', generic, await account.get(`${base}?limit=20`))
      check(
        doc,
        'GET',
        generic,
        await account.get(`${base}?properties=subject,hs_resolution&propertiesWithHistory=subject`),
      )
      check(doc, 'GET', generic, await account.get(`${base}?archived=true`))
      check(doc, 'GET', generic, await account.get(`${base}?limit=999`))
      check(doc, 'GET', one, await account.get(`${base}/${live[0]}`))
      check(doc, 'GET', one, await account.get(`${base}/${archived[0]}?archived=true`))
      check(doc, 'GET', one, await account.get(`${base}/abc`))
      check(
        doc,
        'POST',
        `${generic}/search`,
        await account.post(`${base}/search`, { limit: 5, properties: ['subject'] }),
      )
      check(doc, 'POST', `${generic}/search`, await account.post(`${base}/search`, { limit: 201 }))
      check(
        doc,
        'POST',
        `${generic}/batch/read`,
        await account.post(`${base}/batch/read`, { inputs, properties: ['content'] }),
      )
      check(doc, 'POST', generic, await account.post(base, { properties: PROPERTIES, associations: [] }))
      check(doc, 'POST', generic, await account.post(base, { properties: { nope: '1' } }))
      const merge = { primaryObjectId: live[8], objectIdToMerge: live[9] }
      check(doc, 'POST', `${generic}/merge`, await account.post(`${base}/merge`, merge))
      check(doc, 'POST', `${generic}/merge`, await account.post(`${base}/merge`, {}))
      check(doc, 'GET', generic, await account.get(`${base}?limit=20&associations=contacts,companies`))
      check(
        doc,
        'POST',
        `${generic}/batch/create`,
        await account.post(`${base}/batch/create`, {
          inputs: [{ properties: PROPERTIES, associations: [] }],
        }),
      )
      check(
        doc,
        'PATCH',
        one,
        await account.call('PATCH', `${base}/${live[1]}`, { body: { properties: { subject: '' } } }),
      )
      const updates = inputs.map((each: { id: string }) => ({ ...each, properties: { content: 'y' } }))
      check(
        doc,
        'POST',
        `${generic}/batch/update`,
        await account.post(`${base}/batch/update`, { inputs: updates }),
      )
      check(
        doc,
        'POST',
        `${generic}/batch/archive`,
        await account.post(`${base}/batch/archive`, { inputs: inputs.slice(0, 1) }),
      )
      check(doc, 'DELETE', one, await account.call('DELETE', `${base}/${live[6]}`))
      check(doc, 'GET', generic, await account.call('GET', base, { token: null }))

      // The document for 2026-09 leaves 207 out, the one for 2026-03 has it; real answers have it in both.
      const partial = await account.post(`${base}/batch/read`, {
        inputs: [...inputs.slice(1), { id: '404' }],
      })
      assert.equal(partial.status, 207)
      if (version === '2026-03') check(doc, 'POST', `${generic}/batch/read`, partial)
    },
  )
}

for (const version of ['2026-03', '2026-09']) {
  test(`associations ${version} fit their document`, { skip: absent }, async (t) => {
    const account = await start(t)
    const { world } = account.emulator
    // The document has text where the real answers have numbers.
    world.changeQuirks({ to_object_id: 'string' })
    const doc = readDocument(`associations.${version}.json`)
    const path = `/crm/associations/${version}/{fromObjectType}/{toObjectType}/batch/read`
    // A ticket without any, for the errors.
    world.addTickets(account.portal_id)
    const ids = (await account.get('/crm/objects/2026-09/tickets?limit=100')).json.results
    const inputs = ids.map(({ id }: { id: string }) => ({ id }))
    for (const no_associations of ['empty', 'error'] as const) {
      world.changeQuirks({ no_associations })
      for (const to of ['contacts', 'companies', 'deals']) {
        const url = `/crm/associations/${version}/tickets/${to}/batch/read`
        const answer = await account.post(url, { inputs })
        assert.equal(answer.status, no_associations === 'empty' ? 200 : 207)
        // As with tickets, only the document for 2026-03 has the 207.
        if (answer.status === 200 || version === '2026-03') check(doc, 'POST', path, answer)
        check(doc, 'POST', path, await account.post(url, {}))
      }
    }
    const single = '/crm/objects/2026-03/{objectType}/{objectId}/associations/{toObjectType}'
    if (version === '2026-09') return
    const one = `/crm/objects/2026-03/tickets/${inputs[0].id}/associations`
    check(doc, 'GET', single, await account.get(`${one}/contacts`))
    check(doc, 'GET', single, await account.get(`${one}/companies?limit=1`))
    check(doc, 'GET', single, await account.get(`${one}/companies?limit=0`))
  })
}

test('errors that have a category fit the Error schema: 403 and expired', { skip: absent }, async (t) => {
  const account = await start(t)
  const doc = readDocument('tickets.2026-09.json')
  const { world } = account.emulator
  const poor = world.addToken(account.portal_id, { kind: 'static', scopes: ['oauth'] }).token
  const old = world.addToken(account.portal_id, { kind: 'oauth' }).token
  world.tokens.expire({ token: old })
  for (const token of [poor, old]) {
    check(
      doc,
      'GET',
      '/crm/objects/2026-09/{objectType}',
      await account.call('GET', '/crm/objects/2026-09/tickets', { token }),
    )
  }
})

test('pipelines, owners, properties and account info fit their documents', { skip: absent }, async (t) => {
  const account = await start(t)
  const version = '2026-09'
  const pipelines = readDocument('pipelines.2026-09.json')
  const base = `/crm/pipelines/${version}`
  check(pipelines, 'GET', `${base}/{objectType}`, await account.get(`${base}/tickets`))
  check(pipelines, 'GET', `${base}/{objectType}/{pipelineId}`, await account.get(`${base}/tickets/0`))
  check(pipelines, 'GET', `${base}/{objectType}/{pipelineId}`, await account.get(`${base}/tickets/none`))
  check(
    pipelines,
    'GET',
    `${base}/{objectType}/{pipelineId}/stages`,
    await account.get(`${base}/tickets/0/stages`),
  )
  check(
    pipelines,
    'GET',
    `${base}/{objectType}/{pipelineId}/stages/{stageId}`,
    await account.get(`${base}/tickets/0/stages/2`),
  )

  const owners = readDocument('owners.2026-09.json')
  for (const query of ['', '?archived=true', '?limit=2', '?limit=1000']) {
    check(owners, 'GET', `/crm/owners/${version}`, await account.get(`/crm/owners/${version}${query}`))
  }
  const [owner] = (await account.get(`/crm/owners/${version}`)).json.results
  check(
    owners,
    'GET',
    `/crm/owners/${version}/{ownerId}`,
    await account.get(`/crm/owners/${version}/${owner.id}`),
  )
  check(owners, 'GET', `/crm/owners/${version}/{ownerId}`, await account.get(`/crm/owners/${version}/1`))

  const properties = readDocument('properties.2026-09.json')
  account.emulator.world.archiveProperty(account.portal_id, 'order_number')
  for (const rest of ['', '?archived=true']) {
    check(
      properties,
      'GET',
      `/crm/properties/${version}/{objectType}`,
      await account.get(`/crm/properties/${version}/tickets${rest}`),
    )
  }
  for (const name of ['subject', 'none']) {
    check(
      properties,
      'GET',
      `/crm/properties/${version}/{objectType}/{propertyName}`,
      await account.get(`/crm/properties/${version}/tickets/${name}`),
    )
  }

  const info = readDocument('account-info.2026-09.json')
  for (const path of ['details', 'api-usage/daily/private-apps']) {
    check(
      info,
      'GET',
      `/account-info/${version}/${path}`,
      await account.get(`/account-info/${version}/${path}`),
    )
  }
})

test('webhook settings and subscriptions fit their document', { skip: absent }, async (t) => {
  const { emulator } = await start(t)
  const app = emulator.world.addApp({})
  const { hapikey } = emulator.world.webhooks.subscriptions.of(app)
  const doc = readDocument('webhooks.2026-09.json')
  const base = '/app-webhooks/2026-09'
  const call = async (method: string, rest: string, body?: unknown, shown = rest) => {
    const path = `${base}/${app.app_id}${rest}?hapikey=${hapikey}`
    const answer = await ask(emulator.url, method, path, body === undefined ? {} : { body })
    check(doc, method, `${base}/{appId}${shown}`, answer)
    return answer.json
  }
  const settings = { targetUrl: 'https://hooks.example.test', throttling: { maxConcurrentRequests: 10 } }
  await call('GET', '/settings')
  await call('PUT', '/settings', settings)
  await call('PUT', '/settings', {})
  await call('GET', '/settings')
  const named = { eventType: 'ticket.propertyChange', propertyName: 'subject' }
  const { id } = await call('POST', '/subscriptions', named)
  await call('POST', '/subscriptions', { eventType: 'object.merge', objectTypeId: '0-5', active: true })
  await call('POST', '/subscriptions', {})
  await call('GET', '/subscriptions')
  const one = '/subscriptions/{subscriptionId}'
  await call('GET', `/subscriptions/${id}`, undefined, one)
  await call('PATCH', `/subscriptions/${id}`, { active: true }, one)
  const inputs = [id, 1].map((each) => ({ id: Number(each), active: false }))
  await call('POST', '/subscriptions/batch/update', { inputs })
  await call('DELETE', `/subscriptions/${id}`, undefined, one)
  await call('DELETE', `/subscriptions/${id}`, undefined, one)
  await call('DELETE', '/settings')
})

test('the journal fits its document', { skip: absent }, async (t) => {
  const { emulator, portal_id } = await start(t)
  const { world, url } = emulator
  const app = world.addApp({})
  world.addToken(portal_id, { kind: 'oauth', client_id: app.client_id })
  const { token } = world.tokens.ofApps.mint(
    app,
    ['read', 'subscriptions.read', 'subscriptions.write'].map((each) => `developer.webhooks_journal.${each}`),
  )
  const doc = readDocument('webhooks-journal.2026-03.json')
  const call = async (method: string, path: string, body?: unknown, shown = path) => {
    const answer = await ask(url, method, path, { token, ...(body === undefined ? {} : { body }) })
    check(doc, method, shown, answer)
    return answer
  }
  const base = '/webhooks-journal/subscriptions/2026-03'
  const object = {
    subscriptionType: 'OBJECT',
    portalId: portal_id,
    objectTypeId: '0-5',
    actions: ['CREATE', 'UPDATE'],
    properties: ['subject'],
    objectIds: [],
  }
  const made = (await call('POST', base, object)).json
  const lifecycle = { subscriptionType: 'APP_LIFECYCLE_EVENT', eventTypeId: '4-1909196', properties: [] }
  await call('POST', base, lifecycle)
  await call('POST', base, {})
  await call('GET', base)
  await call('GET', `${base}/${made.id}`, undefined, `${base}/{subscriptionId}`)
  await call('GET', `${base}/1`, undefined, `${base}/{subscriptionId}`)
  const conditions = [
    { filterType: 'CRM_OBJECT_PROPERTY', property: 'subject', operator: 'IN', values: ['x', 'y'] },
  ]
  const filter = (await call('POST', `${base}/filters`, { subscriptionId: made.id, filter: { conditions } }))
    .json
  await call('GET', `${base}/filters/${filter.filterId}`, undefined, `${base}/filters/{filterId}`)
  const filters = `${base}/filters/subscription`
  await call('GET', `${filters}/${made.id}`, undefined, `${filters}/{subscriptionId}`)
  world.addTickets(portal_id, { properties: { subject: 'x' } })
  for (const feed of ['journal', 'journal-local']) {
    const read = `/webhooks-journal/${feed}/2026-03`
    // Of these three the document has errors alone; the answers are of the schema that its batches hold.
    const pointer = await ask(url, 'GET', `${read}/earliest`, { token })
    const schema = doc.compile(doc.document.components.schemas.JournalFetchResponse as Schema)
    assert.ok(schema(pointer.json), JSON.stringify(schema.errors))
    await call('GET', `${read}/batch/earliest/5`, undefined, `${read}/batch/earliest/{count}`)
    await call('GET', `${read}/batch/latest/5`, undefined, `${read}/batch/latest/{count}`)
    const { currentOffset } = pointer.json as { currentOffset: string }
    const next = `${read}/batch/{offset}/next/{count}`
    await call('GET', `${read}/batch/${currentOffset}/next/2`, undefined, next)
    await call('GET', `${read}/batch/none/next/2`, undefined, next)
    await call('POST', `${read}/batch/read`, { inputs: [currentOffset] })
    await call('POST', `${read}/batch/read`, { inputs: [currentOffset, 'none'] })
  }
  await call('DELETE', `${base}/filters/${filter.filterId}`, undefined, `${base}/filters/{filterId}`)
  await call('DELETE', `${base}/portals/${portal_id}`, undefined, `${base}/portals/{portalId}`)
  await call('DELETE', `${base}/1`, undefined, `${base}/{subscriptionId}`)
})

test(
  'OAuth answers fit their documents: token, introspection of both kinds, revocation, uninstall',
  { skip: absent },
  async (t) => {
    const account = await start(t)
    const { world, url } = account.emulator
    const app = world.addApp({ redirect_uris: ['http://localhost/cb'], required_scopes: ['tickets'] })
    const held = world.addToken(account.portal_id, { kind: 'oauth', client_id: app.client_id })
    const client = { client_id: app.client_id, client_secret: app.client_secret }
    const post = (path: string, form: Record<string, string>) =>
      ask(url, 'POST', path, { form: { ...client, ...form } })
    const doc = readDocument('oauth.2026-03.json')
    const base = '/oauth/2026-03/token'
    const form = { grant_type: 'refresh_token', refresh_token: held.refresh_token as string }
    const fresh = await post(base, form)
    check(doc, 'POST', base, fresh)
    check(
      doc,
      'POST',
      `${base}/introspect`,
      await post(`${base}/introspect`, { token: fresh.json.access_token }),
    )
    check(
      doc,
      'POST',
      `${base}/introspect`,
      await post(`${base}/introspect`, { token: held.refresh_token as string }),
    )
    // The document for 2026-09 promises `active` alone: the short answer fits it whole, the full one has it too.
    const short = readDocument('oauth.2026-09.json')
    world.changeQuirks({ introspect: 'active_only' })
    for (const token of [fresh.json.access_token, 'unknown']) {
      check(
        short,
        'POST',
        '/oauth/2026-09/token/introspect',
        await post('/oauth/2026-09/token/introspect', { token }),
      )
    }
    assert.equal((await post(`${base}/revoke`, { token: 'unknown' })).status, 200)
    const uninstall = readDocument('app-uninstalls.2026-09.json')
    const path = '/appinstalls/2026-09/external-install'
    check(uninstall, 'DELETE', path, await account.call('DELETE', path, { token: fresh.json.access_token }))
  },
)
