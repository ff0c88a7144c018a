/**
 * The life cycle of tickets in each configuration of the emulator that HubSpot's documentation allows: our copy always ends equal to
 * HubSpot. `npm run prove:worlds` runs all scenarios in them; this is the part that every test run includes.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { forgotten, worlds } from '../../bench/prove/hubspots.ts'
import { compare } from '../../bench/prove/oracle.ts'
import { readTruth } from '../../bench/prove/truth.ts'
import { startTestEmulator, type TestEmulator } from '../support/emulator.ts'
import { long } from '../support/long.ts'
import { eventually, runEnded, startTestService, type TestService } from '../support/service.ts'

const T = '11111111-1111-4111-8111-111111111111'
const scopes = [
  'oauth',
  'tickets',
  ...['owners', 'contacts', 'companies', 'deals'].map((of) => `crm.objects.${of}.read`),
]

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely
type Any = any

/** Our copy of one portal, worked by hand. */
function copyOf(emulator: TestEmulator, service: TestService, portal: number, id: string) {
  const act = (method: string, path: string, body?: unknown) =>
    emulator.control(method, `/portals/${portal}${path}`, body)

  async function sync(sync_type: 'full' | 'incremental'): Promise<void> {
    const { body } = await service.post(`/api/hubspot/sync/${T}/${id}`, { sync_type })
    const run = await runEnded(service, T, id, body.sync_event_id, 60_000)
    assert.equal(run.state, 'succeeded', JSON.stringify(run))
  }

  async function issues(): Promise<Any[]> {
    const found: Any[] = []
    for (let after = ''; ; ) {
      const query = `limit=200&integration_id=${id}${after}`
      const { status, body } = await service.get(`/api/hubspot/issues/${T}?${query}`)
      assert.equal(status, 200, JSON.stringify(body))
      found.push(...body.issues)
      if (!body.next_after) return found
      after = `&after=${body.next_after}`
    }
  }

  return {
    act,
    sync,
    async mustEqual(when: string): Promise<void> {
      const rows = (await issues()).map((issue) => ({
        id: issue.ticket_id,
        state: issue.archived ? ('archived' as const) : ('live' as const),
        properties: issue.properties,
        mergedInto: issue.merged_into ?? null,
      }))
      const verdict = compare(await readTruth(emulator, portal), rows)
      assert.deepEqual(verdict, { missing: [], stale: [], ghost: [], duplicate: [] }, when)
    },
  }
}

type Copy = ReturnType<typeof copyOf>

/** Everything that can happen to tickets, in three rounds; after each full pass the copy must equal HubSpot. */
async function live({ act, sync, mustEqual }: Copy, later: (hours: number) => Promise<unknown>) {
  await mustEqual('after the first load')
  const ids: string[] = (await act('GET', '/truth?limit=60')).results.map(({ id }: { id: string }) => id)
  const some = (count: number) => ids.splice(0, count)

  await act('PATCH', '/tickets', { count: 430, properties: { subject: 'all at once' } })
  await act('POST', '/tickets', { count: 5 })
  await later(1)
  await sync('incremental')
  await mustEqual('after a bulk edit of more than two search pages')

  const [primary, loser, third] = some(3)
  const removed = some(6)
  await act('DELETE', '/tickets', { ids: removed })
  await act('DELETE', '/tickets', { ids: some(3), permanent: true })
  const { survivor } = await act('POST', '/tickets/merge', { primary, loser })
  await act('POST', '/associations', {
    ticket_id: ids[0],
    to: 'contacts',
    to_id: '90000001',
    types: [{ category: 'USER_DEFINED', typeId: 901, label: 'Reported by' }],
  })
  await act('PATCH', '/tickets', { ids: some(4), properties: { hs_ticket_category: '' } })
  await later(1)
  await sync('incremental')
  await sync('full')
  await mustEqual('after deletions, a merge and an emptied value')

  await act('POST', '/tickets/restore', { ids: removed.slice(0, 3) })
  await act('POST', '/tickets/merge', { primary: third, loser: survivor })
  await act('PATCH', '/tickets', { ids: removed.slice(0, 1), properties: { subject: 'back, and edited' } })
  await later(1)
  await sync('full')
  await later(1)
  await sync('incremental')
  await mustEqual('after restores and a merge of a survivor')
}

async function connectByToken(emulator: TestEmulator, service: TestService, portal: number): Promise<string> {
  const { token } = await emulator.control('POST', `/portals/${portal}/tokens`, {
    kind: 'private_app',
    scopes,
  })
  const { status, body } = await service.post(`/api/hubspot/integrations/${T}`, { access_token: token })
  assert.equal(status, 201, JSON.stringify(body))
  return body.integration_id
}

async function connectByOauth(
  _emulator: TestEmulator,
  service: TestService,
  portal: number,
): Promise<string> {
  const { body: begun } = await service.get(`/api/hubspot/authorize/${T}`)
  const page = new URL(begun.authorization_url)
  page.searchParams.set('auto', '1')
  page.searchParams.set('portal_id', String(portal))
  const back = new URL((await fetch(page, { redirect: 'manual' })).headers.get('location') ?? '')
  const [code, state] = [back.searchParams.get('code'), back.searchParams.get('state')]
  const { status, body } = await service.post('/api/hubspot/oauth/callback', { code, state })
  assert.equal(status, 200, JSON.stringify(body))
  return body.integration_id
}

test('the configurations use every other value of each switch of the emulator', () => {
  assert.deepEqual(forgotten(), [])
})

/** Both ways of connecting in the likely configuration; in the others they take turns. */
const connections = [connectByToken, connectByOauth]
const connectionsIn = (turn: number) =>
  long || turn === 0 ? connections : connections.filter((_, n) => n === turn % 2)

describe('our copy equals HubSpot', { concurrency: 2 }, () => {
  for (const [turn, [name, quirks]] of Object.entries({
    'the likely configuration': {},
    ...worlds,
  }).entries())
    test(name, async () => {
      const emulator = await startTestEmulator({ quirks })
      const service = await startTestService(emulator.url, {
        SPOKE_INDEX_LAG: '5s',
        HUBSPOT_OPTIONAL_SCOPES: scopes.slice(2).join(' '),
      })
      try {
        // All the hours that pass here lie in our own past.
        await emulator.control('POST', '/clock', { advance_ms: -48 * 3_600_000 })
        const later = (hours: number) => emulator.control('POST', '/clock', { advance_ms: hours * 3_600_000 })
        for (const [n, connect] of connectionsIn(turn).entries()) {
          const { portal_id: portal } = await emulator.control('POST', '/portals', {
            tickets: 450,
            plan: 'enterprise',
            // Ids that grow from nine to ten digits, so that their orders as text and as number differ.
            first_ticket_id: 999_999_000 - n,
            associations: { contacts: 1, companies: 1 },
          })
          await emulator.control('DELETE', `/portals/${portal}/tickets`, { count: 20, pick: 'last' })
          await later(1)
          const id = await connect(emulator, service, portal)
          const running = async () => (await service.get(`/api/hubspot/sync/${T}/${id}`)).body.running
          await eventually(async () => (await running()).length === 0, 'the first load ends', 40_000)
          await live(copyOf(emulator, service, portal, id), later)
        }
      } finally {
        await service.stop()
        await emulator.close()
      }
    })
})
