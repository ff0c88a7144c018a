/**
 * `npm run prove`: every known way to get HubSpot's changes wrong, as a scenario against the emulator, played by Spoke
 * and by the naive sync. Ends with the number that passed; the exit code is 0 if all did.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { startDatabases } from './databases.ts'
import type { Scenario } from './scenario.ts'
import { type Outcome, type ProofHarness, runScenario } from './scenario-runner.ts'
import { scenarios } from './scenarios.ts'
import { header, line, type Result } from './table.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    list: { type: 'boolean' },
    json: { type: 'string' },
    quirks: { type: 'string' },
    'no-naive': { type: 'boolean' },
    'any-cost': { type: 'boolean' },
    concurrency: { type: 'string', default: '3' },
    help: { type: 'boolean' },
  },
})

const usage = `npm run prove -- [options]
  --only <text>     scenarios whose name or source holds the text; may be repeated
  --list            names and sources, nothing is run
  --json <file>     the results, with each ticket that was wrong
  --quirks <json>   switches of the emulator for all scenarios: '{"ticket_id_sort":"text"}'
  --no-naive        without the naive sync
  --any-cost        numbers of requests are shown and not judged
  --concurrency <n> scenarios at the same time (3)`

const chosen = scenarios.filter(
  ({ name, source }) =>
    !values.only ||
    values.only.some((text) => `${name} ${source}`.toLowerCase().includes(text.toLowerCase())),
)

if (values.help) console.log(usage)
else if (values.list) for (const { name, source } of chosen) console.log(`${name.padEnd(60)} ${source}`)
else if (chosen.length === 0) refuse(`no scenario holds ${values.only?.join(' or ')}`)
else await prove(chosen, readQuirks(values.quirks), !values['no-naive'])

async function prove(chosen: Scenario[], quirks: ProofHarness['quirks'], withNaive: boolean): Promise<void> {
  const since = performance.now()
  const databases = await startDatabases()
  // What was started is ended too when somebody presses Ctrl-C.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void databases.stop().finally(() => process.exit(130)))
  const harness = { databases, quirks, bounded: !values['any-cost'] }
  const results: Result[] = []
  console.log(`PostgreSQL ${databases.version}, Node ${process.versions.node}, ${chosen.length} scenarios`)
  console.log(header(withNaive))
  const waiting = [...chosen]
  const playNext = async () => {
    for (let scenario = waiting.shift(); scenario; scenario = waiting.shift()) {
      const spoke = await played(scenario, 'spoke', harness)
      const naive = withNaive && !scenario.withoutNaive ? await played(scenario, 'naive', harness) : undefined
      const result = { scenario, spoke, naive }
      results.push(result)
      console.log(line(result, withNaive))
    }
  }
  try {
    await Promise.all(Array.from({ length: Number(values.concurrency) }, playNext))
  } finally {
    await databases.stop()
  }
  summarise(results, (performance.now() - since) / 1_000)
}

/** What cannot even be played has failed too. */
async function played(scenario: Scenario, by: 'spoke' | 'naive', harness: ProofHarness): Promise<Outcome> {
  try {
    return await runScenario(scenario, by, harness)
  } catch (error) {
    return {
      passed: false,
      verdict: { missing: [], stale: [], ghost: [], duplicate: [] },
      requests: 0,
      calls: [],
      endedAs: 'could not be played',
      ended: true,
      faults: [String((error as Error).stack ?? error)],
      seconds: 0,
    }
  }
}

function summarise(results: Result[], seconds: number): void {
  const passed = results.filter((one) => one.spoke.passed).length
  const naive = results.flatMap((one) => one.naive ?? [])
  if (values.json) {
    const rows = results.map(({ scenario, ...rest }) => {
      const { name, source, ideal, atMost } = scenario
      return { name, source, ideal, atMost, ...rest }
    })
    writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`)
  }
  console.log(`\n${seconds.toFixed(0)} s`)
  if (naive.length > 0) {
    const wrong = naive.filter((one) => !one.passed).length
    console.log(`the naive sync: ${naive.length - wrong} passed, ${wrong} failed`)
  }
  console.log(`${passed} passed, ${results.length - passed} failed`)
  process.exitCode = passed === results.length ? 0 : 1
}

function readQuirks(text: string | undefined): ProofHarness['quirks'] {
  try {
    return text === undefined ? {} : JSON.parse(text)
  } catch {
    return refuse(`--quirks is not JSON: ${text}`)
  }
}

function refuse(why: string): never {
  console.error(why)
  process.exit(2)
}
