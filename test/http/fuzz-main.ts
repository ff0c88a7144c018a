/** `npm run fuzz`: the long run of the fuzzer. Exits with 1 on a finding, and prints the command to reproduce each one. */
import { parseArgs } from 'node:util'
import { globalSetup, globalTeardown } from '../support/global-setup.ts'
import { fuzz } from './fuzz.ts'
import { startFuzzFixture } from './fuzz-fixture.ts'

const help = `Usage: npm run fuzz -- [--requests 100000] [--minutes 20] [--seed n] [--path p]

  --requests  how many (100000)
  --minutes   the run ends then, however many there were (20)
  --seed      of a run before; chosen by the clock when absent, and printed
  --path      with a seed: the one case that was found there
`
/** A service that retained memory per request would have grown by far more. */
const mostGrowth = 0.1
/** With fewer, the service is still warming up in the second quarter. */
const enoughToJudgeMemory = 100_000

function readArguments() {
  const { values } = parseArgs({
    options: {
      requests: { type: 'string', default: '100000' },
      minutes: { type: 'string', default: '20' },
      seed: { type: 'string', default: String(Math.floor(Date.now() / 1_000)) },
      path: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const number = (name: 'requests' | 'minutes' | 'seed') => {
    const value = Number(values[name])
    if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} must be a whole number above 0`)
    return value
  }
  const [requests, minutes, seed] = [number('requests'), number('minutes'), number('seed')]
  return { requests, minutes, seed, path: values.path, help: values.help }
}

async function run({ requests, minutes, seed, path }: ReturnType<typeof readArguments>): Promise<number> {
  await globalSetup()
  const world = await startFuzzFixture().catch(async (error: unknown) => {
    await globalTeardown()
    throw error
  })
  console.log(
    `seed ${seed}, ${requests} requests for ${world.operations.length} operations, ${minutes} min at most`,
  )
  try {
    const before = Math.round(world.resident() / 2 ** 20)
    const options = { seed, requests, withinMs: minutes * 60_000, ...(path === undefined ? {} : { path }) }
    const began = performance.now()
    const result = await fuzz(world, options)
    const seconds = (performance.now() - began) / 1_000
    const statuses = [...result.byStatus].sort(([a], [b]) => a - b)
    for (const [status, count] of statuses) console.log(`  ${status}  ${String(count).padStart(7)}`)
    console.log(
      `${(result.passed / seconds).toFixed(0)} requests/s; p50 ${result.p50Ms.toFixed(1)} ms, p99 ${result.p99Ms.toFixed(1)} ms, worst ${result.worstMs.toFixed(0)} ms`,
    )
    const grown = `${(100 * result.growth).toFixed(1)} %`
    console.log(
      `resident: ${before} MiB at the start, ${result.residentMiB} MiB at the end; last quarter over second: ${grown}`,
    )
    const findings = [...result.findings]
    if (result.passed >= enoughToJudgeMemory && result.growth > mostGrowth)
      findings.push(`resident memory grew by ${grown}`)
    for (const finding of findings) console.log(`found: ${finding}`)
    console.log(`${result.passed} passed, ${findings.length} failed`)
    return findings.length > 0 || result.passed === 0 ? 1 : 0
  } finally {
    await world.stop()
    await globalTeardown()
  }
}

try {
  const given = readArguments()
  if (given.help) process.stdout.write(help)
  process.exit(given.help ? 0 : await run(given))
} catch (error) {
  process.stderr.write(`fuzz: ${(error as Error).message}\n`)
  process.exit(2)
}
