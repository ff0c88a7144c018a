/** What a script can do on the stage: work HubSpot through the emulator's control API, run the sync, count, check. */
import { setTimeout as pause } from 'node:timers/promises'
import type { TestEmulator } from '../../test/support/emulator.ts'
import { compare } from './oracle.ts'
import type { Call, ScenarioContext } from './scenario.ts'
import type { RunReport, SystemUnderTest } from './system.ts'
import { bringNearer } from './time-machine.ts'
import { readTruth } from './truth.ts'

const allScopes = [
  'oauth',
  'tickets',
  ...['owners', 'contacts', 'companies', 'deals'].map((what) => `crm.objects.${what}.read`),
]

/** Long enough to act while HubSpot delays a request, and shorter than the timeout of a call. */
const holdMs = 400

export interface RunningScenario extends ScenarioContext {
  reports: RunReport[]
  exempted: Set<string>
}

export function createScenarioContext(
  emulator: TestEmulator,
  portal: number,
  sut: SystemUnderTest,
  spoke: ScenarioContext['spoke'],
  faults: string[],
): RunningScenario {
  const { control } = emulator
  const { log, faults: ordered, tokens } = emulator.world
  const reports: RunReport[] = []
  const exempted = new Set<string>()
  let [from, to] = [0, Number.POSITIVE_INFINITY]
  const lastSeq = () => log.list().at(-1)?.seq ?? 0
  const tickets = `/portals/${portal}/tickets`
  let other: { token: string; app: number | undefined } | undefined

  async function reported(run: Promise<RunReport>): Promise<RunReport> {
    const report = await run
    reports.push(report)
    return report
  }

  const context: RunningScenario = {
    emulator,
    portal,
    sut,
    spoke,
    reports,
    exempted,
    control,
    full: (within) => reported(sut.full(within)),
    incremental: (within) => reported(sut.incremental(within)),
    later: async (seconds = 300) => void (await control('POST', '/clock', { advance_ms: seconds * 1_000 })),
    create: async (body = {}) => (await control('POST', tickets, body)).ids,
    edit: async (body) => (await control('PATCH', tickets, body)).ids,
    remove: async (body) => (await control('DELETE', tickets, body)).ids,
    async someIds(count) {
      const { results } = await control('GET', `/portals/${portal}/truth?limit=${count}`)
      return results.map((one: { id: string }) => one.id)
    },
    async fault(fault) {
      const { id } = await control('POST', '/faults', fault)
      return { id, hits: () => ordered.get(id)?.hits ?? 0 }
    },
    clearFaults: async () => void (await control('DELETE', '/faults')),

    async during(run, { match, after = 0, times = 1 }, act) {
      const { hits } = await context.fault({ kind: 'delay', delay_ms: holdMs, match, after, times })
      let over = false
      let acted = 0
      const acting = (async () => {
        while (!over && acted < times) {
          if (hits() > acted) await act(acted++)
          else await pause(3)
        }
      })()
      const report = await run()
      over = true
      await acting
      context.check(`the ${after + 1}. request of ${match.method ?? ''} ${match.path} arrived`, acted > 0)
      return report
    },

    async hubspot(method, path, body) {
      if (!other) {
        const asked = { kind: 'private_app', scopes: allScopes }
        const { token } = await control('POST', `/portals/${portal}/tokens`, asked)
        other = { token, app: tokens.access.get(token)?.app_id }
      }
      const answer = await fetch(`${emulator.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${other.token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${await answer.text()}`)
      return await answer.json()
    },
    async look() {
      const question = { properties: sut.properties, exempt: exempted }
      return compare(await readTruth(emulator, portal), await sut.rows(), question)
    },
    async passHours(hours) {
      await context.later(hours * 3_600)
      if (!spoke) return
      await spoke.server.pause()
      await bringNearer(spoke.server.databaseUrl, hours)
      await spoke.server.start()
    },

    count: () => {
      from = lastSeq()
      to = Number.POSITIVE_INFINITY
    },
    countEnds: () => {
      if (to === Number.POSITIVE_INFINITY) to = lastSeq()
    },
    calls: (): Call[] =>
      log
        .list({ since: from, portal_id: portal })
        .filter((one) => one.seq <= to && isRecordCall(one) && (!other || one.app_id !== other.app)),

    check(what, holds) {
      if (spoke && !holds) faults.push(`not so: ${what}`)
    },
    exempt(ids) {
      for (const id of ids) exempted.add(id)
    },
  }
  return context
}

/**
 * Calls about records: not about tokens, not the hourly refresh of owners, pipelines and properties, and not the test of the
 * connection that precedes a run.
 */
const isRecordCall = ({ method, path, query }: Pick<Call, 'method' | 'path' | 'query'>) =>
  path.startsWith('/crm/') &&
  !/^\/crm\/(v3\/)?(owners|pipelines|properties)\b/.test(path) &&
  !(method === 'GET' && query.limit === '1' && query.properties === undefined)
