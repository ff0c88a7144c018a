/**
 * 6. Webhooks: how soon a delivery is answered while the inbox is drained, how soon a change at HubSpot is seen in the API, how many
 * calls the reading again costs, and how many webhooks go out a second. Over 200 lines because the five measurements share accounts and the ways to count.
 */
import { createHmac } from 'node:crypto'
import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { freePort } from '../../test/support/free-port.ts'
import {
  allScopes,
  type Harness,
  type HubSpotProcess,
  newAccount,
  noLimits,
  pause,
  startHubSpot,
} from './harness.ts'
import { stolenSeconds } from './machine.ts'
import { ascending, type BenchResult, quantile, round } from './result.ts'
import { type Connected, type Service, startService } from './service.ts'

const clientId = 'test-client'
const clientSecret = 'test-secret-of-the-app'
const portals = 50
const ticketsEach = 200
const windowMs = 500
const aims = { ackP99Ms: 50, visibleP95Ms: 1_000 + windowMs, readsPerThousand: 10 }

interface Account extends Connected {
  hubId: number
  ids: string[]
}

interface WebhookBenchmark {
  harness: Harness
  hubspot: HubSpotProcess
  service: Service
  /** What HubSpot signs. */
  target: string
  appId: number
}

export const webhooks = (harness: Harness): Promise<BenchResult> => harness.durably(() => measure(harness))

async function measure(harness: Harness): Promise<BenchResult> {
  const hubspot = await startHubSpot()
  const databaseUrl = await harness.createDatabase()
  const port = await freePort()
  const publicUrl = `http://127.0.0.1:${port}`
  const target = `${publicUrl}/api/hubspot/webhooks`
  const { app_id: appId } = await hubspot.control<{ app_id: number }>('PUT', `/apps/${clientId}/webhooks`, {
    target_url: target,
    subscriptions: [
      'ticket.creation',
      'ticket.deletion',
      'ticket.merge',
      'ticket.restore',
      'ticket.associationChange',
      'ticket.propertyChange:subject',
    ],
  })
  await hubspot.control('POST', '/limits', noLimits)
  const service = await startService(hubspot, databaseUrl, {
    PORT: String(port),
    SPOKE_PUBLIC_URL: publicUrl,
    HUBSPOT_APP_ID: String(appId),
    SPOKE_WEBHOOK_WINDOW: `${windowMs}ms`,
    // Changes arrive only by webhook.
    SPOKE_SYNC_EVERY: '500h',
    SPOKE_FULL_EVERY: '500h',
    SPOKE_DB_POOL: '20',
    SPOKE_ENDPOINTS_PRIVATE: 'true',
  })
  const context = { harness, hubspot, service, target, appId }
  try {
    harness.say(`6. webhooks: ${portals} accounts of ${ticketsEach} tickets, and one of 10,000`)
    const accounts: Account[] = []
    for (let n = 0; n < portals; n++) accounts.push(await newInstalled(context, ticketsEach))
    const large = await newInstalled(context, Math.max(1_000, Math.round(10_000 * harness.scale)))
    const seconds = Math.max(3, Math.round(20 * harness.scale))
    const ack = await acknowledge(context, accounts, seconds)
    harness.say(`   answered in ${JSON.stringify(ack)}`)
    const visible = await seen(context, accounts, seconds)
    harness.say(`   seen after ${JSON.stringify(visible)}`)
    const burst = await burstOf(context, large)
    harness.say(`   burst ${JSON.stringify(burst)}`)
    const trickle = await trickleOf(context, large, seconds)
    harness.say(`   trickle ${JSON.stringify(trickle)}`)
    const outbound = await outboundOf(context, large)
    harness.say(`   outbound ${JSON.stringify(outbound)}`)
    return {
      number: 6,
      name: 'webhooks',
      aim: `200 deliveries of 100 events a second answered within ${aims.ackP99Ms} ms (p99) while drained; a change seen in the API within ${aims.visibleP95Ms} ms (p95, ${windowMs} ms of window in it); ${aims.readsPerThousand} batch reads for 1,000 changed tickets; one read an account and window in a trickle`,
      met:
        ack.failed === 0 &&
        ack.p99_ms <= aims.ackP99Ms &&
        visible.p95_ms <= aims.visibleP95Ms &&
        burst.batch_reads_per_1000 <= aims.readsPerThousand &&
        burst.association_reads === 0 &&
        trickle.batch_reads <= trickle.windows,
      figures: { acknowledged: ack, visible, burst, trickle, outbound },
      notes: [
        'the sender, the emulator, PostgreSQL (fsync on) and Spoke share this machine',
        `deliveries: ${seconds} s, of ${portals} accounts with ${ticketsEach} tickets each, so that tickets get events again and again`,
      ],
    }
  } finally {
    await service.stop()
    await harness.dropDatabase(databaseUrl)
    await hubspot.stop()
  }
}

/** Connected by a pasted token, with our app installed beside it: that is what makes HubSpot send. */
async function newInstalled({ hubspot, service }: WebhookBenchmark, tickets: number): Promise<Account> {
  const { hubId, token } = await newAccount(hubspot, { tickets }, allScopes)
  await hubspot.control('POST', `/portals/${hubId}/tokens`, {
    kind: 'oauth',
    client_id: clientId,
    scopes: allScopes,
  })
  const connected = await service.connect(token)
  await service.ended(connected, 'full', 300)
  const rows = await service.rows<{ id: string }>(
    'select ticket_id as id from issues where integration_id = $1 order by 1',
    [connected.integrationId],
  )
  return { ...connected, hubId, ids: rows.map(({ id }) => id) }
}

/** Deliveries at an even pace, however long the answers take. */
async function acknowledge(
  { service, target, appId }: WebhookBenchmark,
  accounts: readonly Account[],
  seconds: number,
) {
  const perSecond = 200
  const times: number[] = []
  let failed = 0
  const sent: Promise<void>[] = []
  const agent = new Agent({ keepAlive: true })
  const bodies = Array.from({ length: perSecond * seconds }, (_, n) => {
    const account = accounts[n % accounts.length] as Account
    const events = Array.from({ length: 100 }, (_, at) => ({
      eventId: n * 100 + at,
      subscriptionId: 1,
      portalId: account.hubId,
      appId,
      occurredAt: Date.now(),
      subscriptionType: 'ticket.propertyChange',
      attemptNumber: 0,
      objectId: Number(account.ids[(n * 7 + at) % account.ids.length]),
      propertyName: 'subject',
      propertyValue: 'a value of an ordinary length, as a subject has it',
      changeSource: 'CRM_UI',
      sourceId: 'userId:1',
    }))
    return JSON.stringify(events)
  })
  const [began, stolen] = [performance.now(), stolenSeconds()]
  for (const [n, body] of bodies.entries()) {
    const early = began + (n * 1_000) / perSecond - performance.now()
    if (early > 1) await pause(early)
    sent.push(
      post(agent, target, body).then(
        ({ status, ms }) => {
          times.push(ms)
          if (status !== 204) failed += 1
        },
        () => {
          failed += 1
        },
      ),
    )
  }
  await Promise.all(sent)
  agent.destroy()
  const took = (performance.now() - began) / 1_000
  const behind = performance.now()
  await drained(service)
  const sorted = ascending(times)
  return {
    deliveries_per_second: round(times.length / took, 1),
    failed,
    p50_ms: round(quantile(sorted, 0.5), 1),
    p99_ms: round(quantile(sorted, 0.99), 1),
    worst_ms: round(sorted.at(-1) ?? Number.NaN, 1),
    // On a shared machine the latency depends more on others than on Spoke.
    stolen_s: stolen === null ? null : round((stolenSeconds() ?? 0) - stolen, 1),
    drained_s_after: round((performance.now() - behind) / 1_000, 1),
  }
}

/** Kept simple: the sender shares the machine with the measured process. */
async function post(agent: Agent, target: string, body: string): Promise<{ status: number; ms: number }> {
  const at = String(Date.now())
  const signature = createHmac('sha256', clientSecret).update(`POST${target}${body}${at}`).digest('base64')
  const began = performance.now()
  return await new Promise((resolve, reject) => {
    const sent = request(target, {
      agent,
      method: 'POST',
      timeout: 10_000,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'x-hubspot-signature-v3': signature,
        'x-hubspot-request-timestamp': at,
      },
    })
    sent.on('timeout', () => sent.destroy(new Error('no answer')))
    sent.on('error', reject)
    sent.on('response', (answer) => {
      answer.resume()
      answer.on('error', reject)
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, ms: performance.now() - began }))
    })
    sent.end(body)
  })
}

async function drained(service: Service): Promise<void> {
  const end = performance.now() + 300_000
  while (performance.now() < end) {
    const [row] = await service.rows<{ open: number }>('select count(*)::int as open from inbox_entries')
    if (row?.open === 0) return
    await pause(50)
  }
  throw new Error('the inbox was not drained within five minutes')
}

/** A hundred changes a second over all accounts; a few of them are waited for in the API. */
async function seen({ hubspot, service }: WebhookBenchmark, accounts: readonly Account[], seconds: number) {
  const times: number[] = []
  const waiting: Promise<void>[] = []
  const began = performance.now()
  for (let n = 0; n < 100 * seconds; n++) {
    const early = began + n * 10 - performance.now()
    if (early > 1) await pause(early)
    const account = accounts[n % accounts.length] as Account
    // None twice: a later change would hide the one that is waited for.
    const id = account.ids[Math.floor(n / accounts.length) % account.ids.length] as string
    const subject = `change ${n}`
    const changed = hubspot.control('PATCH', `/portals/${account.hubId}/tickets`, {
      ids: [id],
      properties: { subject },
    })
    if (n % 33 !== 0) {
      waiting.push(changed.then(() => undefined))
      continue
    }
    waiting.push(
      changed.then(async () => {
        const from = performance.now()
        const [row] = await service.rows<{ issue: string }>(
          'select issue_id as issue from issues where integration_id = $1 and ticket_id = $2',
          [account.integrationId, id],
        )
        const path = `/api/hubspot/issues/${account.tenantId}/${row?.issue}`
        while (performance.now() - from < 30_000) {
          const { body } = await service.get(path)
          if (body.subject === subject) break
          await pause(25)
        }
        times.push(performance.now() - from)
      }),
    )
  }
  await Promise.all(waiting)
  await quiet(hubspot, service)
  const sorted = ascending(times)
  return {
    changes_per_second: 100,
    watched: times.length,
    p50_ms: round(quantile(sorted, 0.5), 0),
    p95_ms: round(quantile(sorted, 0.95), 0),
    worst_ms: round(sorted.at(-1) ?? Number.NaN, 0),
  }
}

async function quiet(hubspot: HubSpotProcess, service: Service): Promise<void> {
  await hubspot.control('POST', '/webhooks/wait', { timeout_ms: 60_000 })
  await drained(service)
}

/** Calls to the CRM since the log was cleared. */
async function asked(hubspot: HubSpotProcess) {
  const { results } = await hubspot.control<{ results: { path: string }[] }>('GET', '/requests?limit=200000')
  const of = (part: string) => results.filter(({ path }) => path.includes(part)).length
  const associations = of('/crm/associations/')
  return { batch_reads: of('/tickets/batch/read'), association_reads: associations }
}

async function burstOf({ hubspot, service }: WebhookBenchmark, { hubId, ids, integrationId }: Account) {
  await hubspot.control('DELETE', '/requests')
  const began = performance.now()
  for (let at = 0; at < ids.length; at += 1_000)
    await hubspot.control('PATCH', `/portals/${hubId}/tickets`, {
      ids: ids.slice(at, at + 1_000),
      properties: { subject: 'of the burst' },
    })
  await quiet(hubspot, service)
  const [row] = await service.rows<{ kept: number }>(
    `select count(*)::int as kept from issues where integration_id = $1 and subject = 'of the burst'`,
    [integrationId],
  )
  if (row?.kept !== ids.length) throw new Error(`${row?.kept} of ${ids.length} changes were stored`)
  const counts = await asked(hubspot)
  return {
    tickets: ids.length,
    seconds: round((performance.now() - began) / 1_000, 1),
    batch_reads_per_1000: round((counts.batch_reads * 1_000) / ids.length, 2),
    association_reads: counts.association_reads,
  }
}

/** One ticket every quarter of a second, in one account. */
async function trickleOf({ hubspot, service }: WebhookBenchmark, { hubId, ids }: Account, seconds: number) {
  await hubspot.control('DELETE', '/requests')
  const changes = seconds * 4
  const began = performance.now()
  for (let n = 0; n < changes; n++) {
    await hubspot.control('PATCH', `/portals/${hubId}/tickets`, {
      ids: [ids[n % ids.length]],
      properties: { subject: `of the trickle ${n}` },
    })
    const early = began + (n + 1) * 250 - performance.now()
    if (early > 1) await pause(early)
  }
  const windows = Math.ceil((performance.now() - began) / windowMs) + 1
  await quiet(hubspot, service)
  return { changes, windows, ...(await asked(hubspot)) }
}

/** Each change of the account to one endpoint, which answers at once. */
async function outboundOf(
  { hubspot, service }: WebhookBenchmark,
  { tenantId, hubId, ids, integrationId }: Account,
) {
  const times: number[] = []
  const seen = new Set<unknown>()
  const receiver = createServer((request, response) => {
    times.push(performance.now())
    seen.add(request.headers['webhook-id'])
    request.resume()
    request.on('end', () => response.writeHead(204).end())
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  const { port } = receiver.address() as AddressInfo
  const made = await service.post(`/api/hubspot/endpoints/${tenantId}`, {
    url: `http://127.0.0.1:${port}/`,
    types: ['issue.updated'],
  })
  if (made.status !== 201) throw new Error(`the endpoint was answered ${JSON.stringify(made.body)}`)
  for (let at = 0; at < ids.length; at += 1_000)
    await hubspot.control('PATCH', `/portals/${hubId}/tickets`, {
      ids: ids.slice(at, at + 1_000),
      properties: { subject: 'edited outside' },
    })
  await quiet(hubspot, service)
  const end = performance.now() + 300_000
  while (seen.size < ids.length && performance.now() < end) await pause(50)
  const [row] = await service.rows<{ open: number }>(
    `select count(*)::int as open from deliveries d join changes c using (tenant_id, seq)
     where c.integration_id = $1 and d.delivered_at is null`,
    [integrationId],
  )
  receiver.closeAllConnections()
  receiver.close()
  const seconds = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1_000
  return {
    webhooks: seen.size,
    sent: times.length,
    not_delivered: row?.open ?? -1,
    per_second: round(times.length / seconds, 0),
  }
}
