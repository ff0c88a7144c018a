/**
 * `npm run flood`: how late the probe and the other tenants are answered while somebody asks for too much. What is promised of it is held
 * against the figures and ends 1 when it was not kept; how late answers are depends on the machine, and is told beside what it is alone.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { globalSetup, globalTeardown } from '../support/global-setup.ts'
import { newPostgresDatabase } from '../support/postgres.ts'
import { startProcess } from '../support/process.ts'
import { testKeys } from '../support/service.ts'
import { alone, type Finding, flood, lorises, neighbours, type World } from './flood.ts'

const adminKey = 'the-admin-key-of-the-flood-command'
const runs: ((world: World) => Promise<Finding>)[] = [
  alone,
  (world) => flood(world, 2_000),
  (world) => lorises(world, 1_000),
  (world) => neighbours(world, 100),
]

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
    let kept = true
    for (const one of runs) {
      const finding = await one(world)
      console.log(`${finding.kept === false ? 'NOT KEPT  ' : ''}${finding.what}: ${finding.figures}`)
      kept &&= finding.kept !== false
    }
    return kept
  } finally {
    await spoke.end('SIGTERM')
    process.off('exit', lastWord)
    rmSync(cwd, { recursive: true, force: true })
    await globalTeardown()
  }
}

process.exit((await run()) ? 0 : 1)
