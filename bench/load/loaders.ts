/** The three loaders: each from the start to the last stored ticket, with the CPU time that it and PostgreSQL used. */
import { fork, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { adminQuery } from '../../test/support/postgres.ts'
import type { Ending } from '../naive/main.ts'
import type { BaselineReport, BaselineTask } from './baseline.ts'
import { type Harness, type HubSpotProcess, pause } from './harness.ts'
import { cpuMicros } from './processes.ts'
import { startService } from './service.ts'

export interface Load {
  tickets: number
  seconds: number
  processMicros: number
  postgresMicros: number
  emulatorMicros: number
}

/** Spoke's requests to HubSpot, as paths with their queries. */
export interface Seen {
  lists: string[]
  associations: [kind: string, path: string][]
}

export interface Account {
  hubId: number
  token: string
}

/** Standard output is reserved for the results. */
const stdio: StdioOptions = ['ignore', 'ignore', 'inherit', 'ipc']
/** No load takes longer than this, s. */
const longest = 1_500
/** What a process has to do after its start has passed by then, ms. */
const settleMs = 2_000

/** CPU time of the three between two samples. */
function watch(harness: Harness, hubspot: HubSpotProcess, pid: number) {
  const cpuTimes = () => [cpuMicros(pid), cpuMicros(harness.postgresPid), cpuMicros(hubspot.pid)] as const
  const before = cpuTimes()
  return () => {
    const [own, postgres, emulator] = cpuTimes().map((now, i) => now - (before[i] as number)) as [
      number,
      number,
      number,
    ]
    return { processMicros: own, postgresMicros: postgres, emulatorMicros: emulator }
  }
}

async function mustHold(databaseUrl: string, table: string, tickets: number): Promise<void> {
  const [row] = await adminQuery(`select count(*)::int as count from ${table}`, databaseUrl)
  if (row?.count !== tickets) throw new Error(`${table} holds ${row?.count} tickets instead of ${tickets}`)
}

export async function loadBySpoke(
  harness: Harness,
  hubspot: HubSpotProcess,
  { hubId, token }: Account,
  tickets: number,
): Promise<{ load: Load; seen: Seen }> {
  const databaseUrl = await harness.createDatabase()
  const service = await startService(hubspot, databaseUrl)
  try {
    await pause(settleMs)
    await hubspot.control('DELETE', '/requests')
    const taken = watch(harness, hubspot, service.pid)
    const run = await service.ended(await service.connect(token), 'full', longest)
    const load = {
      tickets,
      // From the request on, by the database's clock: the time until a worker finds it is part of it.
      seconds: ((run.finished_at as Date).getTime() - run.requested_at.getTime()) / 1_000,
      ...taken(),
    }
    await mustHold(databaseUrl, 'issues where not archived', tickets)
    return { load, seen: await whatWasAsked(hubspot, hubId) }
  } finally {
    await service.stop()
    await harness.dropDatabase(databaseUrl)
  }
}

interface Entry {
  method: string
  path: string
  query: Record<string, string>
  status: number
}

/** Refused calls are left out: a scope that lacks, of which Spoke learns by asking once. */
async function whatWasAsked(hubspot: HubSpotProcess, hubId: number): Promise<Seen> {
  const { results } = await hubspot.control<{ results: Entry[] }>(
    'GET',
    `/requests?portal_id=${hubId}&path=/crm/&limit=200000`,
  )
  const granted = results.filter(({ status }) => status < 300)
  const lists = granted
    .filter(({ method, path, query }) => method === 'GET' && path.endsWith('/tickets') && query.properties)
    .map(({ path, query: { after: _after, ...query } }) => `${path}?${new URLSearchParams(query)}`)
  const associations = granted
    .map(({ path }) => path)
    .filter((path) => path.startsWith('/crm/associations/'))
    .map((path): [string, string] => [path.split('/').at(-3) ?? '', path])
  if (lists.length === 0) throw new Error('Spoke requested no list of tickets')
  return { lists: [...new Set(lists)], associations: [...new Map(associations)] }
}

export async function loadByBaseline(
  harness: Harness,
  hubspot: HubSpotProcess,
  { token }: Account,
  tickets: number,
  seen: Seen,
): Promise<Load> {
  const databaseUrl = await harness.createDatabase()
  const child = fork(join(import.meta.dirname, 'baseline.ts'), { stdio })
  const lastWord = () => void child.kill('SIGKILL')
  process.on('exit', lastWord)
  try {
    await once(child, 'message')
    await pause(settleMs)
    const taken = watch(harness, hubspot, child.pid as number)
    const task: BaselineTask = { apiUrl: hubspot.url, token, databaseUrl, ...seen }
    child.send(task)
    const report = await answerOf<BaselineReport>(child)
    if (report.tickets !== tickets) throw new Error(`the floor read ${report.tickets} tickets of ${tickets}`)
    const load = { tickets, seconds: report.seconds, ...taken() }
    await mustHold(databaseUrl, 'floor_issues', tickets)
    return load
  } finally {
    process.off('exit', lastWord)
    child.kill('SIGKILL')
    await harness.dropDatabase(databaseUrl)
  }
}

export async function loadByNaive(
  harness: Harness,
  hubspot: HubSpotProcess,
  { token }: Account,
  tickets: number,
): Promise<Load> {
  const databaseUrl = await harness.createDatabase()
  const child = fork(join(import.meta.dirname, '../naive/main.ts'), {
    stdio,
    env: {
      PATH: process.env.PATH,
      HUBSPOT_API_URL: hubspot.url,
      HUBSPOT_TOKEN: token,
      DATABASE_URL: databaseUrl,
    },
  })
  const lastWord = () => void child.kill('SIGKILL')
  process.on('exit', lastWord)
  try {
    await once(child, 'message')
    await pause(settleMs)
    const taken = watch(harness, hubspot, child.pid as number)
    const began = performance.now()
    child.send('full')
    const ending = await answerOf<Ending>(child)
    const seconds = (performance.now() - began) / 1_000
    if (ending.ended !== 'well') throw new Error(`the naive sync failed: ${ending.why}`)
    const load = { tickets, seconds, ...taken() }
    await mustHold(databaseUrl, 'naive_tickets', tickets)
    return load
  } finally {
    process.off('exit', lastWord)
    child.kill('SIGKILL')
    await harness.dropDatabase(databaseUrl)
  }
}

async function answerOf<T>(child: ReturnType<typeof fork>): Promise<T> {
  const over = new AbortController()
  const { signal } = over
  const timeUp = AbortSignal.timeout(longest * 1_000)
  const answered = once(child, 'message', { signal: AbortSignal.any([signal, timeUp]) })
  const gone = once(child, 'exit', { signal }).then((): never => {
    throw new Error('the loading process ended before its time')
  })
  gone.catch(() => {})
  try {
    const [answer] = await Promise.race([answered, gone])
    return answer as T
  } finally {
    over.abort()
  }
}
