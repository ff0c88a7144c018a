/** HubSpot's webhooks, from the change at HubSpot to the issue here. No poll runs: every change arrives by webhook. */
import assert from 'node:assert/strict'
import { createHmac, randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import { connectTenant, idle } from '../http/http-fixture.ts'
import { eventually } from '../support/service.ts'
import { type Account, clientId, differences, type InboxBench, startInboxBench } from './inbox-fixture.ts'

let bench: InboxBench
let account: Account

before(async () => {
  bench = await startInboxBench()
  account = await bench.account({ tickets: 12 })
})
after(() => bench?.stop())
beforeEach(() => bench.drained())

const same = async (of: Account = account) => {
  await bench.drained()
  assert.deepEqual(await differences(bench, of), [])
}
const liveIds = async ({ integration }: Account = account) =>
  (
    await bench.runSql<{ id: string }>(
      `select ticket_id as id from issues where integration_id = '${integration}' and not archived order by 1`,
    )
  ).map(({ id }) => id)
const acts = (path: string, body: object, method = 'POST', { portal }: Account = account) =>
  bench.emulator.control(method, `/portals/${portal}/${path}`, body)
const metric = async (line: string) => {
  const { body } = await bench.service.get('/metrics')
  return Number(new RegExp(`^${line.replaceAll(/[{}"]/g, '\\$&')} (\\d+)`, 'm').exec(body)?.[1] ?? 0)
}

describe('each kind of change arrives without a poll', () => {
  test('a creation, with its associations', async () => {
    const { ids } = await acts('tickets', { count: 3 })
    await acts('associations', {
      ticket_id: ids[0],
      to: 'contacts',
      to_id: '77',
      types: [{ category: 'HUBSPOT_DEFINED', typeId: 16 }],
    })
    await same()
    assert.ok((await liveIds()).includes(String(ids[0])))
    const { body } = await bench.service.get(`/api/hubspot/issues/${account.tenant}?limit=200`)
    const issue = body.issues.find((one: { ticket_id: string }) => one.ticket_id === String(ids[0]))
    assert.deepEqual(
      issue.associations.contacts.map(({ id }: { id: string }) => id),
      ['77'],
    )
  })

  test('a change of a property', async () => {
    const [id] = await liveIds()
    await acts('tickets', { ids: [id], properties: { subject: 'edited for a webhook' } }, 'PATCH')
    await same()
    const rows = await bench.runSql(`select from issues where subject = 'edited for a webhook'`)
    assert.equal(rows.length, 1)
  })

  test('an archived ticket, and its return', async () => {
    const [id] = await liveIds()
    await acts('tickets', { ids: [id] }, 'DELETE')
    await same()
    assert.ok(!(await liveIds()).includes(String(id)))
    await acts('tickets/restore', { ids: [id] })
    await same()
    assert.ok((await liveIds()).includes(String(id)))
  })

  test('a ticket that is deleted permanently', async () => {
    const [id] = await liveIds()
    await acts('tickets', { ids: [id], permanent: true }, 'DELETE')
    await same()
    const [row] = await bench.runSql<{ gone: boolean }>(
      `select deleted_at is not null as gone from issues where ticket_id = '${id}'`,
    )
    assert.equal(row?.gone, true)
  })

  test('a merge: the survivor is a ticket of its own, the others are tombstones', async () => {
    const [primary, loser] = await liveIds()
    const { survivor } = await acts('tickets/merge', { primary, loser })
    await same()
    const live = await liveIds()
    assert.ok(live.includes(String(survivor)))
    assert.ok(!live.includes(String(primary)) && !live.includes(String(loser)))
  })

  test('an association that was added and removed', async () => {
    const [id] = await liveIds()
    const types = [{ category: 'HUBSPOT_DEFINED', typeId: 16 }]
    const contacts = async () => {
      await bench.drained()
      const [row] = await bench.runSql<{ contacts: { id: string }[] }>(
        `select associations -> 'contacts' as contacts from issue_associations where ticket_id = '${id}'`,
      )
      return row?.contacts.map((one) => one.id)
    }
    await acts('associations', { ticket_id: id, to: 'contacts', to_id: '4711', types })
    assert.deepEqual(await contacts(), ['4711'])
    await acts('associations', { ticket_id: id, to: 'contacts', to_id: '4711', types, remove: true })
    assert.deepEqual(await contacts(), [])
  })
})

describe('one event of an association is enough, in any form', () => {
  const forms = [
    {},
    { webhook_classic_association: 'typed' },
    { webhook_classic_association: 'bare' },
    { webhook_object_association: 'object', webhook_association_object_id: true },
  ]
  const record = async (on: boolean) =>
    await bench.emulator.control('PATCH', '/webhooks', { send: !on, record: on })
  after(async () => {
    await record(false)
    bench.emulator.world.changeQuirks({
      webhook_classic_association: 'named',
      webhook_object_association: 'ends',
      webhook_association_object_id: false,
    })
  })

  for (const form of forms)
    test(JSON.stringify(form), async () => {
      const [id] = await liveIds()
      await record(true)
      await bench.emulator.control('PATCH', '/quirks', form)
      const take = async (to: string, to_id: string, more = {}) => {
        await bench.emulator.control('DELETE', '/webhooks/events')
        await acts('associations', { ticket_id: id, to, to_id, ...more })
        const { results } = await bench.emulator.control('GET', '/webhooks/events')
        return results.map(({ event }: { event: Record<string, unknown> }) => event)
      }
      const companies = async () => {
        const [row] = await bench.runSql<{ companies: { id: string }[] | null }>(
          `select associations -> 'companies' as companies from issue_associations where ticket_id = '${id}'`,
        )
        return row?.companies?.map((one) => one.id) ?? []
      }
      // Each of the four events alone: both families, from the ticket and from the company.
      for (const at of [0, 1, 2, 3]) {
        const company = `88${at}`
        const added = await take('companies', company)
        assert.equal(added.length, 4)
        assert.equal((await bench.deliver([added[at]])).status, 204)
        await bench.drained()
        assert.ok((await companies()).includes(company), JSON.stringify(added[at]))
        const removed = await take('companies', company, { remove: true })
        assert.equal((await bench.deliver([removed[at]])).status, 204)
        await bench.drained()
        assert.ok(!(await companies()).includes(company), JSON.stringify(removed[at]))
      }
      await same()
    })

  test('an id of no ticket creates no issue, and leaves no associations', async () => {
    for (const table of ['issues', 'issue_associations']) {
      const rows = await bench.runSql(`select from ${table} where ticket_id like '88_'`)
      assert.equal(rows.length, 0, table)
    }
  })
})

test('the Test button’s event about an unknown ticket is accepted, and creates no issue', async () => {
  const sent = await bench.emulator.control('POST', `/apps/${clientId}/webhooks/test`, {
    portal_id: account.portal,
  })
  assert.ok(sent.events >= 10)
  await bench.drained()
  assert.equal((await bench.runSql(`select from issues where ticket_id = '123'`)).length, 0)
  const [waiting] = await bench.runSql<{ n: number }>(`select count(*)::int as n from inbox_entries`)
  assert.equal(waiting?.n, 0)
  await same()
})

test('an account under two tenants feeds both, each by its own token', async () => {
  const other = await connectTenant(bench.service, account.token)
  await idle(bench.service, bench.database)
  const [id] = await liveIds()
  await acts('tickets', { ids: [id], properties: { subject: 'edited for both' } }, 'PATCH')
  await same()
  await same({ ...account, ...other })
  const rows = await bench.runSql(`select from issues where subject = 'edited for both'`)
  assert.equal(rows.length, 2)
  assert.equal(
    (await bench.service.delete(`/api/hubspot/integrations/${other.tenant}/${other.integration}`)).status,
    200,
  )
})

const reads = async () => (await bench.emulator.requests('/batch/read')).length
const event = (over: object = {}) => ({
  eventId: 1,
  subscriptionId: 2,
  portalId: account.portal,
  appId: 0,
  occurredAt: Date.now(),
  subscriptionType: 'ticket.propertyChange',
  attemptNumber: 0,
  objectId: 1,
  propertyName: 'subject',
  propertyValue: 'a private value',
  changeSource: 'CRM_UI',
  ...over,
})
const ours = async () => (await bench.emulator.control('GET', '/apps/test-client/webhooks')).app_id as number

describe('what is stored and what is not', () => {
  test('the same request again is answered and does nothing; the same events signed anew are read again', async () => {
    const appId = await ours()
    const [id] = await liveIds()
    const events = [event({ appId, objectId: Number(id) })]
    const timestamp = Date.now()
    const before = await reads()
    assert.equal((await bench.deliver(events, { timestamp })).status, 204)
    await bench.drained()
    assert.equal(await reads(), before + 1)
    assert.equal((await bench.deliver(events, { timestamp })).status, 204)
    assert.deepEqual(await bench.runSql('select from inbox_entries'), [])
    assert.equal(await reads(), before + 1)
    assert.equal((await bench.deliver(events, { timestamp: timestamp + 1 })).status, 204)
    await bench.drained()
    assert.equal(await reads(), before + 2)
  })

  test('many events of few tickets are one read', async () => {
    const appId = await ours()
    const ids = (await liveIds()).map(Number)
    const before = await reads()
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, at) =>
        bench.deliver(
          Array.from({ length: 100 }, (_, n) =>
            event({ appId, eventId: n, objectId: ids[(n + at) % ids.length], occurredAt: Date.now() + n }),
          ),
        ),
      ),
    )
    assert.ok(answers.every(({ status }) => status === 204))
    await bench.drained()
    assert.ok((await reads()) - before <= 3, `${(await reads()) - before} reads`)
    await same()
  })

  test('values are never written to the database', async () => {
    const appId = await ours()
    // Held back, so that the test can read it.
    bench.emulator.world.faults.add({
      kind: 'status',
      status: 503,
      match: { path: '/batch/read' },
      times: null,
    })
    assert.equal((await bench.deliver([event({ appId, objectId: 5 })])).status, 204)
    const [row] = await bench.runSql<{ text: string }>(
      'select inbox_entries::text as text from inbox_entries',
    )
    assert.match(row?.text ?? '', /propertyChange/)
    assert.doesNotMatch(row?.text ?? '', /nobody/)
    bench.emulator.world.faults.clear()
  })

  test('events of an unconnected account, of another app and unreadable ones are counted, and answered 204', async () => {
    const appId = await ours()
    const names = ['unknown_account', 'other_app', 'other_kind', 'malformed']
    const counts = () =>
      Promise.all(names.map((name) => metric(`spoke_webhook_events_total{outcome="${name}"}`)))
    const before = await counts()
    const answer = await bench.deliver([
      event({ appId, portalId: 999_999_999 }),
      event({ appId: appId + 1 }),
      event({ appId, subscriptionType: 'contact.creation' }),
      event({ appId, objectId: undefined }),
      'not even an object',
    ])
    assert.equal(answer.status, 204)
    assert.deepEqual(await bench.runSql('select from inbox_entries'), [])
    const after = await counts()
    assert.deepEqual(
      after.map((count, at) => count - (before[at] ?? 0)),
      [1, 1, 1, 2],
    )
  })

  test('events of a disconnected integration are dropped, and those that wait go with it', async () => {
    const appId = await ours()
    const leaving = await bench.account()
    bench.emulator.world.faults.add({
      kind: 'status',
      status: 503,
      match: { path: '/batch/read' },
      times: null,
    })
    assert.equal((await bench.deliver([event({ appId, portalId: leaving.portal })])).status, 204)
    await bench.service.delete(`/api/hubspot/integrations/${leaving.tenant}/${leaving.integration}`)
    bench.emulator.world.faults.clear()
    assert.equal((await bench.deliver([event({ appId, portalId: leaving.portal, objectId: 2 })])).status, 204)
    await bench.drained()
    assert.deepEqual(
      await bench.runSql(`select from inbox_entries where integration_id = '${leaving.integration}'`),
      [],
    )
  })
})

describe('a sender that is not HubSpot', () => {
  const refusals: [string, () => Promise<Response>][] = [
    ['without any signature', () => bench.deliver([], { headers: { 'x-hubspot-signature-v3': '' } })],
    ['with version 1 alone', () => bench.deliver([], { which: 'v1' })],
    ['with version 2 alone', () => bench.deliver([], { which: 'v2' })],
    ['with a byte changed', () => bench.deliver('[ ]', { body: '[  ]' })],
    ['for another host', () => bench.deliver([], { url: 'https://elsewhere.example/api/hubspot/webhooks' })],
    ['six minutes ago', () => bench.deliver([], { timestamp: Date.now() - 360_000 })],
    ['in six minutes', () => bench.deliver([], { timestamp: Date.now() + 360_000 })],
  ]
  for (const [name, deliver] of refusals)
    test(`is refused ${name}`, async () => {
      const answer = await deliver()
      assert.equal(answer.status, 401)
      const { code } = (await answer.json()) as { code: string }
      assert.equal(code, 'invalid_signature')
      assert.deepEqual(await bench.runSql('select from inbox_entries'), [])
    })

  test('is refused with two signatures, each in a header of its own', async () => {
    const { headers, body } = await bench.emulator.control('POST', '/apps/test-client/webhooks/sign', {
      body: '[]',
    })
    const doubled = new Headers(headers)
    doubled.append('x-hubspot-signature-v3', doubled.get('x-hubspot-signature-v3') as string)
    const answer = await fetch(`${bench.service.url}/api/hubspot/webhooks`, {
      method: 'POST',
      headers: doubled,
      body,
    })
    assert.equal(answer.status, 401)
  })

  test('a Host header decides nothing: HubSpot’s signature is over the configured address', async () => {
    const answer = await bench.deliver([], { headers: { 'x-forwarded-host': 'elsewhere.example' } })
    assert.equal(answer.status, 204)
  })

  test('cannot block HubSpot with sockets that announce large bodies', async () => {
    const { port } = new URL(bench.service.url)
    const sockets = Array.from({ length: 20 }, () => {
      const socket = connect(Number(port), '127.0.0.1')
      socket.on('error', () => {})
      socket.write(
        `POST /api/hubspot/webhooks HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nContent-Length: 8388608\r\n\r\n[`,
      )
      return socket
    })
    try {
      await new Promise((done) => setTimeout(done, 300))
      assert.equal((await bench.deliver([])).status, 204)
    } finally {
      for (const socket of sockets) socket.destroy()
    }
  })

  test('a body beyond what a hundred events can be is refused unread', async () => {
    const answer = await bench.deliver('[]', { body: Buffer.alloc(8 * 2 ** 20 + 1, ' ') })
    assert.equal(answer.status, 413)
    assert.equal(((await answer.json()) as { code: string }).code, 'body_too_large')
  })

  test('what is signed and is no array is refused; an empty array is taken', async () => {
    for (const [body, code] of [
      ['{}', 'validation_failed'],
      ['null', 'validation_failed'],
      ['', 'invalid_json'],
      ['[', 'invalid_json'],
    ] as const) {
      const answer = await bench.deliver(body)
      assert.equal(answer.status, 400, body)
      assert.equal(((await answer.json()) as { code: string }).code, code)
    }
    assert.equal((await bench.deliver('[]')).status, 204)
  })
})

test('a record that HubSpot never returns does not hold up others, and is dead-lettered in the end', async () => {
  const appId = await ours()
  const [id] = await liveIds()
  const poisoned = '99999999999999999999'
  const { portal } = account
  // Refused as HubSpot refuses an id that is none.
  bench.emulator.world.faults.add({
    kind: 'status',
    status: 400,
    match: { path: '/batch/read', body: poisoned },
    times: null,
  })
  await acts('tickets', { ids: [id], properties: { subject: 'beside poison' } }, 'PATCH')
  assert.equal((await bench.deliver([event({ appId, portalId: portal, objectId: poisoned })])).status, 204)
  await eventually(
    async () => (await bench.runSql(`select from issues where subject = 'beside poison'`)).length > 0,
    'the other ticket is stored',
  )
  // Not while the refusal is being saved, which would overwrite this.
  const hurried = `
    update inbox_entries set attempt_count = 4, due_at = now()
    where ticket_ids = '{${poisoned}}' and attempt_count > 0 returning 1`
  await eventually(async () => (await bench.runSql(hurried)).length > 0, 'its refusal is counted')
  await eventually(
    async () => (await bench.runSql(`select from inbox_entries where due_at = 'infinity'`)).length === 1,
    'it is dead-lettered',
  )
  bench.emulator.world.faults.clear()
})

test('nothing is answered 2xx that is not stored', async () => {
  const appId = await ours()
  await bench.runSql('revoke insert on inbox_entries from spoke_system')
  await bench.runSql('revoke insert (tenant_id) on inbox_entries from spoke_system')
  try {
    const answer = await bench.deliver([event({ appId })])
    assert.equal(answer.status, 500)
  } finally {
    await bench.runSql('grant insert (tenant_id) on inbox_entries to spoke_system')
  }
})

test('a request signed with another secret is refused', async () => {
  const body = '[]'
  const at = String(Date.now())
  const url = `${bench.service.url}/api/hubspot/webhooks`
  const signed = createHmac('sha256', randomUUID()).update(`POST${url}${body}${at}`).digest('base64')
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-hubspot-signature-v3': signed,
      'x-hubspot-request-timestamp': at,
    },
    body,
  })
  assert.equal(answer.status, 401)
})
