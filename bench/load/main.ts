/**
 * `npm run bench`: what Spoke costs and whether it meets its targets, measured on this machine. People read standard error;
 * with --json one object goes to standard output. The exit code is 0 also when a target is missed, which is printed first;
 * it is 1 when a benchmark could not be run at all.
 */
import { parseArgs } from 'node:util'
import { budgetUse } from './budget-use.ts'
import { firstLoad } from './first-load.ts'
import { type Harness, startHarness } from './harness.ts'
import { commit, machine } from './machine.ts'
import { manyTenants } from './many-tenants.ts'
import { memory } from './memory.ts'
import { queries } from './queries.ts'
import { requests } from './requests.ts'
import { type BenchResult, table } from './result.ts'
import { scheduling } from './scheduling.ts'
import { webhooks } from './webhooks.ts'

const benchmarks: readonly [number: number, run: (harness: Harness) => Promise<BenchResult>][] = [
  [1, firstLoad],
  [2, budgetUse],
  [3, requests],
  [4, memory],
  [5, manyTenants],
  [6, webhooks],
  [7, scheduling],
  [8, queries],
]

const usage = `npm run --silent bench -- [options]
  --only <1 to 8>     one benchmark; may be repeated
  --scale <fraction>  smaller numbers, for a quick check; the figures then mean little
  --json              one JSON object on standard output`

const { values } = parseArgs({
  options: {
    json: { type: 'boolean' },
    only: { type: 'string', multiple: true },
    scale: { type: 'string', default: '1' },
    help: { type: 'boolean' },
  },
})
const scale = Number(values.scale)
const only = values.only?.map(Number)
const chosen = benchmarks.filter(([number]) => !only || only.includes(number))

if (values.help) console.log(usage)
else if (!(scale > 0 && scale <= 1) || chosen.length < (only?.length ?? 1)) {
  console.error(usage)
  process.exitCode = 2
} else await bench()

async function bench(): Promise<void> {
  // On a signal, also stop the processes that were started.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
  const harness = await startHarness(scale)
  const where = { machine: machine(harness.postgresVersion), commit: commit() }
  const results: BenchResult[] = []
  const failed: { number: number; error: string }[] = []
  try {
    for (const [number, run] of chosen) {
      try {
        const result = await run(harness)
        results.push(result)
        harness.say(`   ${result.met ? 'met' : 'MISSED'}\n`)
      } catch (error) {
        failed.push({ number, error: String(error) })
        harness.say(`   ${number} could not be run: ${(error as Error).stack}\n`)
      }
    }
  } finally {
    await harness.stop()
  }
  const command = ['npm run bench --', ...process.argv.slice(2)].join(' ')
  const { cores, model, memory_gib, node, postgres } = where.machine
  harness.say(table(results))
  for (const { number, error } of failed) harness.say(`\n${number} COULD NOT BE RUN: ${error}`)
  harness.say(
    `\n${command}\n${cores} cores of ${model}, ${memory_gib} GiB, Node ${node}, PostgreSQL ${postgres}`,
  )
  harness.say(
    `commit ${where.commit ? `${where.commit.id}${where.commit.clean ? '' : ', changed since'}` : '?'}`,
  )
  if (values.json) console.log(JSON.stringify({ command, scale, ...where, results, failed }, null, 2))
  // What could not be run may have left processes behind, which end with this one.
  if (failed.length > 0) process.exit(1)
}
