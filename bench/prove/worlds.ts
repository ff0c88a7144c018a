/**
 * `npm run prove:worlds`: the scenarios once more in each configuration of the emulator that HubSpot's documentation allows. A strange index
 * may cost more requests, so their number is shown and not judged here.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { forgotten, worlds } from './hubspots.ts'

const missing = forgotten()
if (missing.length > 0) {
  process.stderr.write(`prove:worlds: no configuration has ${missing.join(', ')}\n`)
  process.exit(1)
}

const main = join(import.meta.dirname, 'main.ts')
let failed = 0
for (const [name, quirks] of Object.entries(worlds)) {
  console.log(`\n== ${name}\n${JSON.stringify(quirks)}`)
  const more = [...process.argv.slice(2), '--no-naive', '--any-cost', '--quirks', JSON.stringify(quirks)]
  const { status } = spawnSync(process.execPath, [main, ...more], { stdio: 'inherit' })
  if (status !== 0) failed += 1
}
const count = Object.keys(worlds).length
console.log(`\n${count - failed} configurations passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
