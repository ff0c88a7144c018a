/** `npm run openapi`: writes openapi.json as the service returns it. A test compares the two. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startService } from '../src/app/start.ts'
import { readConfig } from '../src/config.ts'
import { createLog } from '../src/lib/log.ts'

const file = join(import.meta.dirname, '../openapi.json')
const scratch = mkdtempSync(join(tmpdir(), 'spoke-openapi-'))
try {
  const config = readConfig({ SPOKE_DATA_DIR: join(scratch, 'data'), PORT: '0' })
  const service = await startService(
    config,
    createLog('warn', (line) => process.stderr.write(line)),
  )
  const response = await fetch(`${service.url}/openapi.json`)
  const document = await response.json()
  await service.stop()
  if (!response.ok) throw new Error('the document could not be built; the log says why')
  writeFileSync(file, JSON.stringify(document))
  console.log('openapi.json is written')
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
