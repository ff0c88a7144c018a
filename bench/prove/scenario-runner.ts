/**
 * Plays one scenario with one system: a HubSpot, a database and a process of its own each, so that no scenario can
 * lean on another and each gives the same alone as in the suite.
 */
import { startTestEmulator, type TestEmulator } from '../../test/support/emulator.ts'
import type { Databases } from './databases.ts'
import { startNaive } from './naive.ts'
import { compare, isClean, type Verdict } from './oracle.ts'
import type { Scenario } from './scenario.ts'
import { createScenarioContext } from './scenario-context.ts'
import { createTenant, type SpokeServer, type SpokeTenant, startSpoke } from './spoke.ts'
import type { SystemUnderTest } from './system.ts'
import { readTruth } from './truth.ts'

export interface Outcome {
  passed: boolean
  verdict: Verdict
  requests: number
  /** The counted requests in their order. */
  calls: string[]
  /** Of the last run, and of the ones before it that met something. */
  endedAs: string
  ended: boolean
  /** What else was wrong, as text. */
  faults: string[]
  seconds: number
}

/** No schedule runs by itself within a scenario, and nothing waits longer than it must to be seen. */
const environment = {
  SPOKE_SYNC_EVERY: '24h',
  SPOKE_FULL_EVERY: '24h',
  SPOKE_INDEX_LAG: '5s',
  HUBSPOT_TIMEOUT: '3s',
}

/** So large that they are never reached, and still announced in the headers. */
const noLimits = {
  oauth_ten_secondly: 100_000,
  private_ten_secondly: 100_000,
  search_per_second: 100_000,
  daily: null,
}

export interface ProofHarness {
  databases: Databases
  /** Switches on top of each scenario's own. */
  quirks: Record<string, unknown>
  /** Whether more requests than a scenario allows are a fault. */
  bounded: boolean
}

export async function runScenario(
  scenario: Scenario,
  by: SystemUnderTest['name'],
  { databases, quirks, bounded }: ProofHarness,
): Promise<Outcome> {
  const since = performance.now()
  const faults: string[] = []
  const emulator = await startTestEmulator(
    { quirks: { ...scenario.quirks, ...quirks } },
    scenario.oauth ?? 'stable',
  )
  let sut: SystemUnderTest | undefined
  try {
    const portal = await openAccount(emulator, scenario)
    const database = await databases.create()
    const spoke = by === 'spoke' ? await startWithSpoke(scenario, emulator, portal, database) : undefined
    sut = spoke?.tenant ?? (await startWithNaive(scenario, emulator, portal, database))
    const context = createScenarioContext(emulator, portal, sut, spoke, faults)
    await scenario.script(context)
    context.countEnds()
    const verdict = compare(await readTruth(emulator, portal), await sut.rows(), {
      properties: scenario.everyProperty ? undefined : sut.properties,
      exempt: context.exempted,
    })
    const calls = context.calls()
    const requests = calls.length
    if (by === 'spoke' && bounded && scenario.atMost !== undefined && requests > scenario.atMost)
      faults.push(`${requests} requests and not at most ${scenario.atMost}`)
    const ended = context.reports.every((one) => one.ended)
    return {
      passed: isClean(verdict) && ended && faults.length === 0,
      verdict,
      requests,
      calls: calls.map(({ method, path, query, status }) => {
        const asked = query.archived || query.after ? `?archived=${query.archived}&after=${query.after}` : ''
        return `${method} ${path}${asked} ${status}`
      }),
      endedAs: endingsOf(context.reports.map((one) => one.reported)),
      ended,
      faults,
      seconds: (performance.now() - since) / 1_000,
    }
  } finally {
    await sut?.stop()
    await emulator.close()
  }
}

/**
 * HubSpot's clock begins two days behind ours, so that all the hours a script lets pass lie in our past: a sync that takes
 * our clock for HubSpot's loses tickets here, and one that takes the earlier of both gets no extra look-back.
 */
const hubSpotIsBehindMs = 48 * 3_600_000

async function openAccount(emulator: TestEmulator, scenario: Scenario): Promise<number> {
  await emulator.control('POST', '/clock', { advance_ms: -hubSpotIsBehindMs })
  await emulator.control('POST', '/limits', { ...noLimits, ...scenario.limits })
  const account = await emulator.control('POST', '/portals', { tickets: 300, ...scenario.portal })
  return account.portal_id
}

function tokenOf(
  emulator: TestEmulator,
  portal: number,
  scopes: Scenario['scopes'],
): Promise<{ token: string }> {
  return emulator.control('POST', `/portals/${portal}/tokens`, {
    kind: 'private_app',
    scopes: scopes ?? ['oauth', 'tickets', 'crm.objects.owners.read'],
  })
}

async function startWithSpoke(
  scenario: Scenario,
  emulator: TestEmulator,
  portal: number,
  database: string,
): Promise<{ server: SpokeServer; tenant: SpokeTenant }> {
  const server = await startSpoke(emulator.url, database, { ...environment, ...scenario.env })
  const { token } = await tokenOf(emulator, portal, scenario.scopes)
  const tenant = createTenant(server, portal, (self) =>
    scenario.oauth ? self.connectByOauth() : self.connect(token),
  )
  return { server, tenant }
}

async function startWithNaive(
  scenario: Scenario,
  emulator: TestEmulator,
  portal: number,
  database: string,
): Promise<SystemUnderTest> {
  // It has no way to refresh, so it is given what a person would paste.
  const { token } = scenario.oauth
    ? await emulator.control('POST', `/portals/${portal}/tokens`, { kind: 'oauth', client_id: 'test-client' })
    : await tokenOf(emulator, portal, scenario.scopes)
  return await startNaive(emulator.url, token, database, scenario.naiveWithin ?? 20)
}

/** Successful runs are left out, unless all succeeded. */
function endingsOf(all: string[]): string {
  const noteworthy = all.filter((one) => one !== 'succeeded')
  return [...new Set(noteworthy)].join('; ') || 'succeeded'
}
