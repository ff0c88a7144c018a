/** `npm run openapi`: writes openapi.json as the service returns it. A test compares the two. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startService } from '../src/app/start.ts'
import { readConfig } from '../src/config.ts'
import { createLog } from '../src/lib/log.ts'

const file = join(import.meta.dirname, '../openapi.json')
/** JSON with each value on one line if it fits, so that a review shows what changed. */
function printed(value: unknown, indent = ''): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const inner = `${indent}  `
  const parts = Array.isArray(value)
    ? value.map((one) => printed(one, inner))
    : Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${printed(one, inner)}`)
  const [open, close, space] = Array.isArray(value) ? ['[', ']', ''] : ['{', '}', ' ']
  if (parts.length === 0) return open + close
  const flat = `${open}${space}${parts.join(', ')}${space}${close}`
  if (indent.length + flat.length <= 100 && !flat.includes('\n')) return flat
  return `${open}\n${parts.map((part) => inner + part).join(',\n')}\n${indent}${close}`
}

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
  writeFileSync(file, `${printed(document)}\n`)
  console.log('openapi.json is written')
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
