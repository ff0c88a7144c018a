// Whatever is sent, the emulator answers as a server of HubSpot's would: never with a 500 of its own, never by dying.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { DEFAULT_QUIRKS } from '../src/quirks.ts'
import { eventually } from './eventually.ts'
import { ask, SEARCH, startAccount, TICKETS } from './help.ts'

const EXPECTED = new Set([200, 201, 204, 207, 302, 400, 401, 403, 404, 405, 413, 414, 415])

test('odd cursors, limits and names in the query are answered, not crashed on', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: 'grapheme', maxLength: 40 }),
      fc.constantFrom('after', 'limit', 'properties', 'archived', 'associations'),
      async (value, name) => {
        const answer = await account.get(`${TICKETS}?${name}=${encodeURIComponent(value.toWellFormed())}`)
        assert.ok([200, 400, 403].includes(answer.status), `${answer.status} for ${name}=${value}`)
      },
    ),
    { numRuns: 80 },
  )
})

test('odd bodies of a search, a batch and a write are answered, not crashed on', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const keys = fc.constantFrom(
    'filterGroups',
    'filters',
    'sorts',
    'query',
    'limit',
    'after',
    'properties',
    'inputs',
    'propertyName',
    'operator',
    'value',
    'values',
    'id',
    'idProperty',
    'associations',
    'primaryObjectId',
    'objectIdToMerge',
    'subject',
    '__proto__',
  )
  const leaf = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.constantFrom('subject', 'hs_object_id', 'createdate', 'EQ', 'BETWEEN', 'IN'),
  )
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(keys, tie('tree'), { maxKeys: 4 }),
    ),
  }))
  const paths = [
    SEARCH,
    TICKETS,
    `${TICKETS}/batch/read`,
    `${TICKETS}/batch/update`,
    `${TICKETS}/batch/create`,
    `${TICKETS}/batch/archive`,
    `${TICKETS}/merge`,
    '/crm/associations/2026-09/tickets/contacts/batch/read',
  ]
  const { token } = account.emulator.world.addToken(account.portal_id, {
    kind: 'private_app',
    scopes: ['tickets', 'crm.objects.contacts.read'],
  })
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...paths),
      fc.dictionary(keys, tree, { maxKeys: 5 }),
      async (path, body) => {
        const answer = await account.call('POST', path, { body, token })
        assert.ok(EXPECTED.has(answer.status), `${answer.status} for ${path} ${JSON.stringify(body)}`)
      },
    ),
    { numRuns: 150 },
  )
})

test('odd settings, subscriptions and filters of webhooks are answered, not crashed on', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const { world } = account.emulator
  const app = world.addApp({})
  world.addToken(account.portal_id, { kind: 'oauth', client_id: app.client_id })
  const scopes = ['read', 'subscriptions.read', 'subscriptions.write'].map(
    (one) => `developer.webhooks_journal.${one}`,
  )
  const { token } = world.tokens.ofApps.mint(app, [...scopes, 'developers-read', 'developers-write'])
  const object = {
    subscriptionType: 'OBJECT',
    portalId: account.portal_id,
    objectTypeId: '0-5',
    actions: ['CREATE', 'UPDATE'],
  }
  const { id } = world.journal.upsert(app, {
    type: 'OBJECT',
    portal_id: account.portal_id,
    object_type_id: '0-5',
    actions: ['CREATE'],
    properties: ['subject'],
    object_ids: [],
    associated_object_type_ids: [],
  })
  const condition = { filterType: 'CRM_OBJECT_PROPERTY', property: 'subject', operator: 'EQ', value: 'x' }
  const hooks = `/app-webhooks/2026-09/${app.app_id}`
  const journal = '/webhooks-journal/subscriptions/2026-03'
  const right: [string, string, Record<string, unknown>][] = [
    ['PUT', `${hooks}/settings`, { targetUrl: 'https://x.test', throttling: { maxConcurrentRequests: 9 } }],
    [
      'POST',
      `${hooks}/subscriptions`,
      { eventType: 'ticket.propertyChange', propertyName: 'a', active: true },
    ],
    ['POST', `${hooks}/subscriptions`, { eventType: 'object.merge', objectTypeId: '0-5', active: true }],
    ['POST', `${hooks}/subscriptions/batch/update`, { inputs: [{ id: 1, active: true }] }],
    ['POST', journal, { ...object, properties: [], objectIds: [1], associatedObjectTypeIds: [] }],
    ['POST', journal, { subscriptionType: 'APP_LIFECYCLE_EVENT', eventTypeId: '4-1909196', properties: [] }],
    ['POST', `${journal}/filters`, { subscriptionId: id, filter: { conditions: [condition] } }],
    ['POST', '/webhooks-journal/journal/2026-03/batch/read', { inputs: ['a'] }],
    [
      'PUT',
      `/_emulator/apps/${app.client_id}/webhooks`,
      { target_url: null, subscriptions: ['ticket.merge'] },
    ],
    ['PATCH', '/_emulator/webhooks', { compression: 1, sensitive_properties: ['a'], change_source: null }],
    ['PATCH', '/_emulator/journal', { file_events: 10 }],
  ]
  const odd = fc.constantFrom<unknown>(null, 0, -1, 1.5, 1e300, '', 'x', true, [], {}, [null], [[]], [{}], {
    toString: 1,
    valueOf: 1,
  })
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...right),
      fc.nat(),
      odd,
      fc.boolean(),
      async (call, place, value, deep) => {
        const [method, path, whole] = call
        const body = structuredClone(whole)
        const names = Object.keys(body)
        const name = names[place % names.length] as string
        const list = body[name]
        // Either the whole field, or what stands in it.
        if (deep && Array.isArray(list)) body[name] = [value]
        else if (deep && typeof list === 'object')
          body[name] = { conditions: [{ ...condition, operator: value }] }
        else body[name] = value
        const answer = await account.call(method, path, { body, token })
        assert.ok(EXPECTED.has(answer.status), `${answer.status} for ${path} ${JSON.stringify(body)}`)
        world.addTickets(account.portal_id)
      },
    ),
    { numRuns: 200 },
  )
})

test('odd paths and OAuth forms are answered, not crashed on', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const segment = fc.oneof(
    fc.webSegment({ size: 'small' }),
    fc.constantFrom(
      'crm',
      'objects',
      'v3',
      '2026-09',
      'tickets',
      'oauth',
      'token',
      'authorize',
      '%E0%A4%A',
      '..',
    ),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(segment, { minLength: 1, maxLength: 6 }),
      fc.constantFrom('GET', 'POST', 'PATCH', 'DELETE'),
      async (parts, method) => {
        const answer = await account.call(method, `/${parts.join('/')}`)
        assert.ok(EXPECTED.has(answer.status), `${answer.status} for ${method} ${parts.join('/')}`)
      },
    ),
    { numRuns: 50 },
  )
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(
        fc.constantFrom('grant_type', 'code', 'client_id', 'token', 'refresh_token'),
        fc.string(),
      ),
      async (form) => {
        for (const path of ['token', 'token/introspect', 'token/revoke']) {
          assert.equal(
            (await ask(account.emulator.url, 'POST', `/oauth/2026-09/${path}`, { form })).status,
            400,
          )
        }
      },
    ),
    { numRuns: 12 },
  )
})

test('a client that leaves in the middle of its request leaves nothing behind', async (t) => {
  const account = await startAccount()
  t.after(account.close)
  const { connect } = await import('node:net')
  await new Promise<void>((done) => {
    const socket = connect(account.emulator.port, '127.0.0.1', () => {
      socket.write(`POST ${TICKETS} HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\n{"prop`)
      setTimeout(() => {
        socket.destroy()
        done()
      }, 20)
    })
  })
  assert.equal((await account.get(TICKETS)).status, 200)
  await eventually(async () => account.emulator.world.log.stats().in_flight === 0, 'nothing is left')
})

test('the emulator imports only itself and Node, without a circle', () => {
  const root = join(import.meta.dirname, '../src')
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  )
  const imports = new Map<string, string[]>()
  for (const file of files) {
    const found = [
      ...readFileSync(join(root, file), 'utf8').matchAll(/^(?:import|export)[^'"]*? from '([^']+)'/gm),
    ]
    const names = found.map((one) => one[1] as string).filter((name) => !name.startsWith('node:'))
    for (const name of names) assert.ok(name.startsWith('.'), `${file} imports ${name}`)
    imports.set(
      file,
      names.map((name) => join(file, '..', name)),
    )
  }
  const done = new Set<string>()
  const visit = (file: string, path: string[]): void => {
    assert.ok(imports.has(file), `${path.at(-1)} imports ${file}, which is not of the emulator`)
    assert.ok(!path.includes(file), `a circle: ${[...path, file].join(' > ')}`)
    if (done.has(file)) return
    for (const next of imports.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of imports.keys()) visit(file, [])
  assert.ok(done.size > 40)
})

test('every switch is turned in some test and stands in the documentation with its default', () => {
  const tests = readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith('.test.ts') && name !== 'robust.test.ts')
    .map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'))
    .join('\n')
  const page = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
  for (const [name, value] of Object.entries(DEFAULT_QUIRKS)) {
    assert.ok(tests.includes(name), `no test turns ${name}`)
    assert.ok(
      page.includes(`| \`${name}\` | \`${JSON.stringify(value).replaceAll('"', '')}\` |`),
      `README.md lacks ${name} with ${value}`,
    )
  }
})
