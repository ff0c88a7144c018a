/** The target of the fuzzer: the service as a separate process, with an admin key, tenants, runs and issues. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { noLimits } from '../../bench/load/harness.ts'
import { startTestEmulator } from '../support/emulator.ts'
import { startProcess } from '../support/process.ts'
import { testKeys } from '../support/service.ts'
import { signing } from './fuzz-deliveries.ts'
import { canary, type Known } from './fuzz-values.ts'
import { connectTenant, idle, newAccount, startOn } from './http-fixture.ts'
import { type Operation, readOperations } from './operations.ts'
import { send } from './send.ts'

export interface FuzzFixture {
  url: string
  operations: Operation[]
  known: Known
  /** Of the service, bytes. */
  resident(): number
  /** Log lines louder than a warning, or with something of a request in them; the first few. */
  badLines: string[]
  stop(): Promise<void>
}

export const adminKey = 'fuzz-admin-key-zqkey9-of-the-tests'

/**
 * The process under test serves the API and runs no worker: a sync that the fuzzer requests is queued, and every
 * further one joins it, so that the queue stays as short as there are streams.
 */
export async function startFuzzFixture(): Promise<FuzzFixture> {
  const emulator = await startTestEmulator({ quirks: { index_lag_ms: 0 } })
  await emulator.control('POST', '/limits', noLimits)
  const { service, database } = await startOn(emulator)
  const accounts = Array.from({ length: 4 }, () => newAccount(emulator))
  const connected: Awaited<ReturnType<typeof connectTenant>>[] = []
  for (const { token } of accounts) connected.push(await connectTenant(service, token))
  await idle(service, database)
  await service.stop()

  const cwd = mkdtempSync(join(tmpdir(), 'spoke-fuzz-'))
  const badLines: string[] = []
  let rest = ''
  const watch = (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    const bad = lines.filter((line) => isBad(line))
    badLines.push(...bad.slice(0, 20 - badLines.length))
  }
  const running = startProcess(
    cwd,
    {
      DATABASE_URL: database,
      SPOKE_ROLE: 'api',
      SPOKE_ADMIN_KEY: adminKey,
      SPOKE_ENCRYPTION_KEYS: testKeys,
      SPOKE_RATE_ADDRESS: '0',
      SPOKE_RATE_FAILED: '0',
      HUBSPOT_APP_ID: String(signing.appId),
      HUBSPOT_API_URL: emulator.url,
      HUBSPOT_AUTHORIZE_URL: `${emulator.url}/oauth/authorize`,
      HUBSPOT_CLIENT_ID: 'test-client',
      HUBSPOT_CLIENT_SECRET: signing.secret,
    },
    watch,
  )
  const lastWord = () => void running.child.kill('SIGKILL')
  process.on('exit', lastWord)
  const url = await running.url
  // The first two stay; the others are there to be disconnected and connected again.
  const known = await learn(
    url,
    connected.slice(0, 2),
    connected.slice(2),
    accounts.map(({ token }) => token),
  )
  return {
    url,
    operations: await readOperations(url),
    known,
    badLines,
    resident: () => residentOf(running.child.pid as number),
    async stop() {
      process.off('exit', lastWord)
      await running.end('SIGTERM')
      await emulator.close()
      rmSync(cwd, { recursive: true, force: true })
    },
  }
}

const isBad = (line: string) =>
  /"level":"(error|fatal)"/.test(line) || line.includes(canary) || line.includes(adminKey)

/** Linux reports it in a file. */
function residentOf(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kib) * 1_024
}

type Pair = { tenant: string; integration: string }
type Ids = Record<string, string>

async function learn(url: string, stay: Pair[], go: Pair[], tokens: string[]): Promise<Known> {
  const headers = { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' }
  const ask = async (path: string, body?: string) =>
    (await send(url, { path, headers, ...(body ? { method: 'POST', body } : {}) })).json
  const pools: Record<string, Ids[]> = {
    pairs: [],
    events: [],
    issues: [],
    keys: [],
    revoked: [],
    endpoints: [],
    dropped: [],
  }
  const cursors: string[] = []
  for (const { tenant, integration } of stay) {
    const pair = { tenant_id: tenant, integration_id: integration }
    const sync = `/api/hubspot/sync/${tenant}/${integration}`
    await ask(sync, '{}')
    const pages = [
      await ask(`${sync}?limit=1`),
      await ask(`/api/hubspot/issues/${tenant}?limit=1`),
      await ask(`/api/hubspot/tickets/${tenant}/${integration}?limit=1`),
    ]
    cursors.push(...pages.map(({ next_after }) => next_after))
    pools.pairs?.push(pair)
    for (const { sync_event_id } of (await ask(sync)).events) pools.events?.push({ ...pair, sync_event_id })
    const { issues } = await ask(`/api/hubspot/issues/${tenant}`)
    for (const { issue_id } of issues) pools.issues?.push({ ...pair, issue_id })
    const endpoints = `/api/hubspot/endpoints/${tenant}`
    for (let n = 0; n < 8; n++) {
      const { endpoint_id } = await ask(endpoints, '{"url":"https://example.com/"}')
      const { change_id } = await ask(`${endpoints}/${endpoint_id}/test`, '{}')
      pools[n % 4 ? 'endpoints' : 'dropped']?.push({ ...pair, endpoint_id, change_id })
    }
    for (let n = 0; n < 12; n++) {
      const { key_id } = await ask(`/api/tenants/${tenant}/api-keys`, '{"name":"fuzz","scopes":["read"]}')
      pools[n % 4 ? 'keys' : 'revoked']?.push({ ...pair, key_id })
    }
  }
  const doomed = go.map(({ tenant, integration }) => ({ tenant_id: tenant, integration_id: integration }))
  // A tenant of its own, because every route of a tenant that is being erased returns 404.
  const leavers = Array.from({ length: 3 }, () => ({ tenant_id: randomUUID() }))
  for (const leaver of leavers) await ask('/api/tenants', JSON.stringify(leaver))
  // Each authorisation leaves a pending integration for ten minutes, which a list of these need not show.
  const visitors = Array.from({ length: 8 }, () => ({ tenant_id: randomUUID() }))
  return {
    adminKey,
    idsFor: ({ name, template }) => {
      if (template.includes('{key_id}'))
        return (name.startsWith('DELETE ') ? pools.revoked : pools.keys) ?? []
      if (template.includes('{endpoint_id}'))
        return (name.startsWith('DELETE ') ? pools.dropped : pools.endpoints) ?? []
      if (name === 'DELETE /api/tenants/{tenant_id}') return leavers
      if (name.startsWith('DELETE ') || name === 'POST /api/hubspot/integrations/{tenant_id}') return doomed
      if (template.includes('/authorize/')) return visitors
      if (template.includes('{confirmation_id}')) return [{ confirmation_id: randomUUID() }]
      if (template.includes('{sync_event_id}')) return pools.events ?? []
      if (template.includes('{issue_id}')) return pools.issues ?? []
      return pools.pairs ?? []
    },
    values: {
      access_token: tokens,
      after: cursors,
      limit: ['1', '2', '50'],
      name: ['app', 'reporting'],
      secret: [`whsec_${Buffer.alloc(32, 3).toString('base64')}`],
      url: ['https://example.com/', 'https://hooks.example.org/spoke'],
      integration_id: stay.map(({ integration }) => integration),
      state: stay.map(({ tenant, integration }) => `${tenant}:${integration}:${'A'.repeat(43)}`),
    },
  }
}
