/** What no source file of the service may contain. By text, because each of these has one place or none. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '../src')
const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
  // The commands print to the operator.
  .filter((file) => file.endsWith('.ts') && file !== 'main.ts' && !file.startsWith('cli/'))
  .map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }))

const where = (pattern: RegExp) =>
  sources
    .filter(({ text }) => pattern.test(text))
    .map(({ file }) => file)
    .sort()

const once: [what: string, pattern: RegExp, files: string[]][] = [
  ['text is run as code', /\beval\(|new Function\b|node:vm|import\((?!['"`])/, []],
  ['another program is started', /child_process|node:cluster/, []],
  [
    'another thread is started',
    /worker_threads/,
    [
      'http/reference/reference-script.ts',
      'http/reference/reference-thread.ts',
      'lib/watchdog-thread.ts',
      'lib/watchdog.ts',
    ],
  ],
  ['SQL is made of text', /\bsql\.(raw|lit)\b|\bsql\.unsafe/, ['db/migrate.ts', 'doctor/as-text.ts']],
  ['chance comes from a source that can be guessed', /Math\.random/, ['lib/clock.ts']],
  ['another hash than SHA-256 is taken', /create(Hash|Hmac)\((?!'sha256')/, []],
  ['a cipher is built by hand', /create(Cipher|Decipher)iv|crypto\.subtle/, []],
  ['certificates are not checked', /rejectUnauthorized|NODE_TLS_REJECT|checkServerIdentity/, []],
  [
    'a request is sent by another client',
    /^import (?!type)[^\n]*'node:https?'|\bfetch\(|\brequest\(url/m,
    // HubSpot, and the keys of the operator's identity provider.
    ['auth/provider-keys.ts', 'hubspot/client/send.ts', 'outbox/webhook-poster.ts'],
  ],
  ['the environment is read', /process\.env/, []],
  [
    'something is written but through the database',
    /console\.(log|error|warn|info)|process\.std|appendFile|createWriteStream|writeFileSync/,
    ['config.ts', 'db/directory-lock.ts', 'lib/log.ts'],
  ],
]

for (const [what, pattern, files] of once) {
  test(`${files.length === 0 ? 'nowhere' : `in ${files.join(' and ')} alone`} ${what}`, () => {
    assert.deepEqual(where(pattern), files)
  })
}

test('the sources were read', () => assert.ok(sources.length > 80))
