/** An embedded database whose disk runs full: work stops before, reads go on, and nothing that was acknowledged is lost. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startSpoke } from '../support/command.ts'
import { layOutEmbedded } from '../support/embedded.ts'
import { startTestEmulator, type TestEmulator } from '../support/emulator.ts'
import { onlyLong } from '../support/long.ts'
import { type SpokeProcess, startShortPolling } from '../support/process.ts'
import { eventually, testKeys } from '../support/service.ts'
import { makeSmallDisk, type SmallDisk, withSmallDisk } from '../support/small-disk.ts'

const T = '11111111-1111-4111-8111-111111111111'
const tickets = 800
/** Long and beyond compression, so that few tickets fill a disk. */
const content = randomBytes(6_000).toString('base64')
const app = { id: 1160001, client: 'test-client', secret: 'test-secret-of-the-app' }

describe('a full disk', withSmallDisk, () => {
  let emulator: TestEmulator
  let disk: SmallDisk
  const spokes: SpokeProcess[] = []
  before(async () => {
    emulator = await startTestEmulator({ quirks: { index_lag_ms: 0 } })
  })
  after(async () => {
    for (const spoke of spokes) spoke.child.kill('SIGKILL')
    disk?.remove()
    await emulator.close()
  })

  const start = (env: Record<string, string> = {}) => {
    const spoke = startShortPolling(disk.dir, {
      HUBSPOT_API_URL: emulator.url,
      SPOKE_ENCRYPTION_KEYS: testKeys,
      HUBSPOT_CLIENT_ID: app.client,
      HUBSPOT_CLIENT_SECRET: app.secret,
      HUBSPOT_APP_ID: String(app.id),
      SPOKE_PUBLIC_URL: 'http://127.0.0.1:8000',
      SPOKE_SYNC_EVERY: '500h',
      SPOKE_MIN_FREE_DISK: '24MiB',
      SPOKE_DB_WAIT: '0s',
      ...env,
    })
    spokes.push(spoke)
    return spoke
  }
  async function ask(
    spoke: SpokeProcess,
    path: string,
    body?: unknown,
    headers: Record<string, string> = { 'content-type': 'application/json' },
  ) {
    const answer = await fetch(`${await spoke.url}${path}`, {
      ...(body === undefined
        ? {}
        : { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) }),
      headers,
      signal: AbortSignal.timeout(20_000),
    })
    const text = await answer.text()
    return {
      status: answer.status,
      headers: answer.headers,
      body: text === '' ? undefined : JSON.parse(text),
    }
  }
  async function connect(spoke: SpokeProcess): Promise<string> {
    const { portal_id } = emulator.world.addPortal({ tickets: 0, plan: 'professional' })
    emulator.world.addTickets(portal_id, { count: tickets, properties: { content } })
    const { token } = emulator.world.addToken(portal_id, { kind: 'private_app' })
    const { status, body } = await ask(spoke, `/api/hubspot/integrations/${T}`, { access_token: token })
    assert.equal(status, 201, JSON.stringify(body))
    return body.integration_id
  }
  async function issueIds(spoke: SpokeProcess): Promise<Set<string>> {
    const ids = new Set<string>()
    for (let after = ''; ; ) {
      const { status, body } = await ask(spoke, `/api/hubspot/issues/${T}?limit=200${after}`)
      if (body.code === 'overloaded') {
        await new Promise((resolve) => setTimeout(resolve, 500))
        continue
      }
      assert.equal(status, 200, JSON.stringify(body))
      for (const { ticket_id } of body.issues) ids.add(ticket_id)
      if (!body.next_after) return ids
      after = `&after=${body.next_after}`
    }
  }
  /** How many tickets the runs have stored. */
  const loaded = async (spoke: SpokeProcess, integration: string): Promise<number> => {
    const { body } = await ask(spoke, `/api/hubspot/sync/${T}/${integration}`)
    return (body.events ?? []).reduce((sum: number, run: { inserted: number }) => sum + run.inserted, 0)
  }
  const readiness = async (spoke: SpokeProcess) => {
    const { status, body } = await ask(spoke, '/readyz')
    return `${status} ${body.checks.disk}`
  }
  const becomes = (spoke: SpokeProcess, wanted: string) =>
    eventually(async () => (await readiness(spoke)) === wanted, `it is ${wanted}`)
  const freeMib = () => {
    const { bavail, bsize } = statfsSync(disk.dir)
    return (bavail * bsize) / 2 ** 20
  }
  const ended = async (spoke: SpokeProcess, integration: string) =>
    await eventually(async () => {
      const { body } = await ask(spoke, `/api/hubspot/sync/${T}/${integration}`)
      return body.events?.every(({ finished_at }: { finished_at: string | null }) => finished_at !== null)
    }, 'the run ends')

  test('stops writes and nothing else, resumes when there is space, and loses nothing to kill -9', async (t) => {
    disk = makeSmallDisk(80)
    await layOutEmbedded(join(disk.dir, 'data'))
    const first = start()
    const integration = await connect(first)
    await becomes(first, '503 full')
    const began = performance.now()
    assert.ok(freeMib() > 4, `${freeMib()} MiB are free`)

    const sync = `/api/hubspot/sync/${T}/${integration}`
    const refused = await ask(first, sync, { sync_type: 'full' })
    assert.deepEqual([refused.status, refused.body.code], [503, 'disk_full'])
    assert.match(String(refused.headers.get('retry-after')), /^\d+$/)
    const signed = await emulator.control('POST', `/apps/${app.client}/webhooks/sign`, {
      body: JSON.stringify([
        {
          subscriptionType: 'ticket.creation',
          portalId: 1,
          objectId: 1,
          appId: app.id,
          occurredAt: 1,
          eventId: 1,
        },
      ]),
      url: 'http://127.0.0.1:8000/api/hubspot/webhooks',
    })
    const delivery = await ask(first, '/api/hubspot/webhooks', signed.body, signed.headers)
    assert.deepEqual([delivery.status, delivery.body?.code], [503, 'disk_full'])
    assert.equal((await ask(first, '/livez')).status, 200)
    const acknowledged = await issueIds(first)
    assert.ok(acknowledged.size > 0 && acknowledged.size < tickets)
    const usedUp = freeMib()
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    assert.equal((await issueIds(first)).size, acknowledged.size)
    assert.ok(usedUp - freeMib() < 1, 'the worker pauses')

    disk.resize(92)
    await becomes(first, '200 ok')
    await eventually(
      async () => (await loaded(first, integration)) > acknowledged.size,
      'the run continues by itself',
    )
    disk.resize(80)
    await becomes(first, '503 full')
    const saved = await issueIds(first)
    await first.end('SIGKILL')
    const changes = first
      .output()
      .split('\n')
      .filter((line) => line.includes('"msg":"the database disk'))
    assert.equal(changes.length, 3, changes.join('\n'))
    const errorLines = first
      .output()
      .split('\n')
      .filter((line) => /"level":"(error|fatal)"/.test(line))
    assert.deepEqual(
      errorLines,
      changes.filter((line) => line.includes('is full')),
    )

    const early = await startSpoke(disk.dir, {
      SPOKE_ENCRYPTION_KEYS: testKeys,
      SPOKE_MIN_FREE_DISK: '24MiB',
      SPOKE_DB_WAIT: '0s',
      PORT: '0',
    })
    assert.equal(early.code, 1)
    assert.match(
      early.err,
      /^spoke: the disk of \S+ \(SPOKE_DATA_DIR\) has \d+ MiB free, but 24 MiB are needed to start/m,
    )

    disk.resize(400)
    const second = start()
    await ended(second, integration)
    const all = await issueIds(second)
    assert.equal(all.size, tickets)
    for (const id of saved) assert.ok(all.has(id))
    assert.equal(await second.end('SIGTERM'), 0)
    t.diagnostic(
      `full at ${acknowledged.size} of ${tickets} tickets with ${usedUp.toFixed(1)} MiB free; after some room, and none again, at ${saved.size}; ${Math.round(performance.now() - began)} ms from the first refusal to the end`,
    )
  })

  test(
    'that another process fills despite the margin ends the process, with its reason',
    onlyLong,
    async (t) => {
      disk.remove()
      disk = makeSmallDisk(100)
      await layOutEmbedded(join(disk.dir, 'data'))
      const spoke = start({ SPOKE_MIN_FREE_DISK: '0', SPOKE_WATCHDOG: '5s' })
      const integration = await connect(spoke)
      await eventually(async () => (await loaded(spoke, integration)) > 500, 'it loads')
      const saved = await issueIds(spoke)
      // Room for some more tickets and for no more than this file of the WAL, which is where the database hangs.
      writeFileSync(join(disk.dir, 'somebody-else'), Buffer.alloc(Math.floor((freeMib() - 9) * 2 ** 20)))
      const began = performance.now()
      const tooLong = setTimeout(() => spoke.child.kill('SIGTERM'), 90_000)
      assert.equal(await spoke.exit, null, spoke.output().slice(-2_000))
      clearTimeout(tooLong)
      assert.equal(spoke.child.signalCode, 'SIGKILL')
      assert.match(spoke.output(), /"free_mib":\d,"msg":"the event loop is blocked; the process ends/)
      t.diagnostic(
        `ended ${Math.round(performance.now() - began)} ms after the space ran out, including the hang itself`,
      )

      disk.resize(400)
      const again = start()
      await ended(again, integration)
      const all = await issueIds(again)
      assert.equal(all.size, tickets)
      for (const id of saved) assert.ok(all.has(id))
    },
  )
})
