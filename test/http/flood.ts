/** What `npm run flood` does to a service, and what it measures: a flood, slow-loris sockets, and one tenant beside another. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import type { SpokeProcess } from '../support/process.ts'
import { eventually } from '../support/service.ts'
import { holdDatabase } from './hold.ts'
import { send } from './send.ts'
import { live } from './slow-loris.ts'

export interface FloodFixture {
  spoke: SpokeProcess
  url: string
  database: string
  adminKey: string
}

export interface Finding {
  what: string
  figures: string
  /** Absent: there is no guarantee to check. */
  ok?: boolean
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
const at = (sorted: readonly number[], share: number) =>
  sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
const spread = (ms: readonly number[]) => {
  const sorted = ms.toSorted((x, y) => x - y)
  return `p50 ${at(sorted, 0.5).toFixed(1)}, p99 ${at(sorted, 0.99).toFixed(1)} ms of ${ms.length}`
}

function residentMiB({ spoke }: FloodFixture): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${spoke.child.pid}/status`, 'utf8')) ?? []
  return Number(kib) / 1_024
}

/** Calls the probe every 10 ms until it is stopped. @returns how long each response took, ms */
function probing(url: string): () => Promise<number[]> {
  // A thread of its own: this one is busy being the flood.
  const worker = new Worker(new URL('./probe-worker.ts', import.meta.url), { workerData: url })
  return async () => {
    worker.postMessage('end')
    return ((await once(worker, 'message')) as [number[]])[0]
  }
}

/** Nothing but the probe: how late the machine itself is. */
export async function alone({ url }: FloodFixture): Promise<Finding> {
  const stop = probing(url)
  await pause(3_000)
  return { what: 'nothing else', figures: `/livez ${spread(await stop())}` }
}

/** @param count requests at one moment, of which the service takes on 500 while its database does not answer */
export async function flood(world: FloodFixture, count: number): Promise<Finding> {
  const headers = { authorization: `Bearer ${world.adminKey}` }
  const path = `/api/hubspot/integrations/${randomUUID()}`
  await send(world.url, { path, headers })
  const before = residentMiB(world)
  const release = await holdDatabase(world.database)
  const stop = probing(world.url)
  let most = 0
  const watch = setInterval(() => {
    most = Math.max(most, residentMiB(world))
  }, 50)
  const tally: Record<string, number> = {}
  const all = Array.from({ length: count }, async () => {
    // A connection that is not read within two seconds, because the machine is busy elsewhere, is closed.
    const answer = await send(world.url, { path, headers, withinMs: 60_000 }).catch(() => undefined)
    const code = answer?.json.code ?? none
    tally[code] = (tally[code] ?? 0) + 1
  })
  await eventually(
    async () => (tally.overloaded ?? 0) + (tally[none] ?? 0) >= count / 2,
    'requests are shed',
    60_000,
  )
  await pause(2_000)
  await release()
  await Promise.all(all)
  clearInterval(watch)
  const probes = spread(await stop())
  return {
    what: `${count} requests at once`,
    figures: `${JSON.stringify(tally)}; memory ${before.toFixed(0)} to ${most.toFixed(0)} MiB; /livez ${probes}`,
    // Admitted requests that waited longer than the statement timeout get "database unavailable".
    ok:
      Object.keys(tally).every((code) =>
        ['overloaded', 'unavailable', 'integration_not_found', none].includes(code),
      ) && most - before < 150,
  }
}

/** @param count sockets, one a millisecond, or this would measure its own haste */
export async function lorises({ url }: FloodFixture, count: number): Promise<Finding> {
  const stop = probing(url)
  const lives = await Promise.all(
    Array.from({ length: count }, async (_, n) => {
      await pause(n)
      return await live(url, n, 20_000)
    }),
  )
  const probes = spread(await stop())
  const longest = lives.reduce((one, other) => (other.ms > one.ms ? other : one))
  return {
    what: `${count} slow-loris sockets`,
    figures: `the last is closed after ${(longest.ms / 1_000).toFixed(2)} s (${longest.what}); /livez ${probes}`,
    ok: longest.ms < 4_000,
  }
}

const none = 'no answer'

interface Tenant {
  path: string
  headers: Record<string, string>
}

async function newTenant({ url, adminKey }: FloodFixture): Promise<Tenant> {
  const headers = { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' }
  const post = async (path: string, body: object) => {
    const answer = await send(url, { method: 'POST', path, headers, body: JSON.stringify(body) })
    if (answer.status >= 300) throw new Error(answer.text)
    return answer.json
  }
  const { tenant_id } = await post('/api/tenants', { tenant_id: randomUUID() })
  const { api_key } = await post(`/api/tenants/${tenant_id}/api-keys`, { name: 'k', scopes: ['read'] })
  return {
    path: `/api/hubspot/integrations/${tenant_id}`,
    headers: { authorization: `Bearer ${api_key}` },
  }
}

/** @param callers of one tenant, each as fast as it gets responses, while the other tenant sends fifty requests a second */
export async function neighbours(world: FloodFixture, callers: number): Promise<Finding> {
  const [loud, quiet] = [await newTenant(world), await newTenant(world)]
  const ask = async ({ path, headers }: Tenant) => {
    const began = performance.now()
    const { status } = await send(world.url, { path, headers })
    return { status, ms: performance.now() - began }
  }
  const asked = async () => {
    const answers = await Promise.all(
      Array.from({ length: 250 }, async (_, n) => {
        await pause(n * 20)
        return await ask(quiet)
      }),
    )
    return { times: answers.map(({ ms }) => ms), served: answers.every(({ status }) => status === 200) }
  }
  await asked()
  const before = await asked()
  const tally: Record<number, number> = {}
  let over = false
  const flooding = Array.from({ length: callers }, async () => {
    while (!over) {
      const { status } = await ask(loud)
      tally[status] = (tally[status] ?? 0) + 1
    }
  })
  const meanwhile = await asked()
  over = true
  await Promise.all(flooding)
  return {
    what: `one tenant with ${callers} callers next to another`,
    figures: `the loud one ${JSON.stringify(tally)}; the other alone ${spread(before.times)}, beside it ${spread(meanwhile.times)}`,
    ok: before.served && meanwhile.served,
  }
}
