/**
 * `npm run flood`, or with `-- --seconds 60` an attack of that length instead: how late the probe and the other tenants get responses while one caller overloads the service. Each guarantee is
 * checked, and the exit code is 1 if one does not hold. Latency depends on the machine and is printed next to the latency without load. Under an attack the other tenant is served within a second.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { globalSetup, globalTeardown } from '../support/global-setup.ts'
import { newPostgresDatabase } from '../support/postgres.ts'
import { startProcess } from '../support/process.ts'
import { testKeys } from '../support/service.ts'
import { attacks, startAttackFixture } from './attack.ts'
import { alone, type Finding, type FloodFixture, flood, lorises, neighbours } from './flood.ts'

const adminKey = 'the-admin-key-of-the-flood-command'
const runs: ((world: FloodFixture) => Promise<Finding>)[] = [
  alone,
  (world) => flood(world, 2_000),
  (world) => lorises(world, 1_000),
  (world) => neighbours(world, 100),
]

const print = ({ what, figures, ok }: Finding) =>
  console.log(`${ok === false ? 'FAILED  ' : ''}${what}: ${figures}`)

async function attackFor(seconds: number): Promise<boolean> {
  await globalSetup()
  const cwd = mkdtempSync(join(tmpdir(), 'spoke-attack-'))
  const world = await startAttackFixture(cwd)
  const lastWord = () => world.processes.forEach(({ child }) => void child.kill('SIGKILL'))
  process.on('exit', lastWord)
  try {
    console.log(`${cpus().length} cores, load before ${loadavg()[0]?.toFixed(1)}`)
    let ok = true
    for (const attack of attacks) {
      const finding = await attack(world, seconds)
      print(finding)
      ok &&= finding.ok !== false
    }
    return ok
  } finally {
    await world.close()
    process.off('exit', lastWord)
    rmSync(cwd, { recursive: true, force: true })
    await globalTeardown()
  }
}

async function run(): Promise<boolean> {
  await globalSetup()
  const cwd = mkdtempSync(join(tmpdir(), 'spoke-flood-'))
  const database = await newPostgresDatabase()
  // A process of its own, so that its memory and its event loop are not those of the flood.
  const spoke = startProcess(
    cwd,
    {
      DATABASE_URL: database,
      SPOKE_ROLE: 'api',
      SPOKE_ADMIN_KEY: adminKey,
      SPOKE_MAX_REQUESTS: '500',
      SPOKE_RATE_ADDRESS: '0',
      SPOKE_RATE_KEY: '6000',
      SPOKE_RATE_TENANT: '0',
      SPOKE_ENCRYPTION_KEYS: testKeys,
      HUBSPOT_API_URL: 'http://127.0.0.1:9',
    },
    () => {},
  )
  const lastWord = () => void spoke.child.kill('SIGKILL')
  process.on('exit', lastWord)
  try {
    console.log(`${cpus().length} cores, load before ${loadavg()[0]?.toFixed(1)}`)
    const world = { spoke, url: await spoke.url, database, adminKey }
    let ok = true
    for (const one of runs) {
      const finding = await one(world)
      print(finding)
      ok &&= finding.ok !== false
    }
    return ok
  } finally {
    await spoke.end('SIGTERM')
    process.off('exit', lastWord)
    rmSync(cwd, { recursive: true, force: true })
    await globalTeardown()
  }
}

const { seconds } = parseArgs({ options: { seconds: { type: 'string' } } }).values
if (seconds !== undefined && !/^[1-9]\d{0,2}$/.test(seconds))
  throw new Error('--seconds must be a whole number up to 999')
process.exit((await (seconds === undefined ? run() : attackFor(Number(seconds)))) ? 0 : 1)
