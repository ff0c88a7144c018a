/** The audit log from outside: a process that is killed midway, and the commands that write and verify the log. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { connectTenant, newAccount } from '../http/http-fixture.ts'
import { runSpoke } from '../support/command.ts'
import { startTestEmulator, type TestEmulator } from '../support/emulator.ts'
import { adminQuery, newPostgresDatabase } from '../support/postgres.ts'
import { startProcess } from '../support/process.ts'
import { eventually, startTestService, testKeys } from '../support/service.ts'

const adminKey = 'zq-admin-key-of-the-audit-process-test'

let dir: string
let url: string
let emulator: TestEmulator
let tenant: string
let integration: string
before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'spoke-audit-'))
  url = await newPostgresDatabase()
  emulator = await startTestEmulator({ quirks: { index_lag_ms: 0 } })
  const service = await startTestService(emulator.url, { DATABASE_URL: url })
  ;({ tenant, integration } = await connectTenant(service, newAccount(emulator).token))
  await service.stop()
})
after(async () => {
  await emulator.close()
  rmSync(dir, { recursive: true, force: true })
})

const env = () => ({
  DATABASE_URL: url,
  SPOKE_ENCRYPTION_KEYS: testKeys,
  SPOKE_ADMIN_KEY: adminKey,
  HUBSPOT_API_URL: emulator.url,
  LOG_LEVEL: 'info',
})

/** As somebody at the command line. */
const spoke = (...args: string[]) => runSpoke(dir, env(), ...args)

const eventsOf = (where: string) =>
  adminQuery(
    `select * from (
      select tenant_id::text as chain, seq, actor, action, target, address, request_id, phase, result from audit_events
      union all select 'operator', seq, actor, action, target, address, request_id, phase, result from operator_audit
    ) every where ${where} order by chain, seq`,
    url,
  )

test('a process that is killed midway leaves the request, and no result', async () => {
  const running = startProcess(dir, { ...env(), SPOKE_ROLE: 'api', HUBSPOT_TIMEOUT: '20s' })
  const base = await running.url
  emulator.world.faults.add({ kind: 'hang', times: null })
  const asked = [
    ['POST', `/api/hubspot/integrations/${tenant}`],
    ['POST', `/api/hubspot/integrations/${randomUUID()}`],
  ].map(([method = '', path]) => {
    const headers = {
      authorization: `Bearer ${adminKey}`,
      'content-type': 'application/json',
      'x-request-id': 'killed',
    }
    const body = JSON.stringify({ access_token: `pat-na1-${randomUUID()}` })
    return fetch(`${base}${path}`, { method, headers, body }).catch(() => 'gone')
  })
  const events = () => eventsOf(`request_id = 'killed'`)
  await eventually(async () => (await events()).length === 2, 'both requests are recorded')
  await running.end('SIGKILL')
  assert.deepEqual(await Promise.all(asked), ['gone', 'gone'])
  emulator.world.faults.clear()
  assert.deepEqual(
    (await events()).map(({ chain, action, phase, result }) => [chain, action, phase, result]),
    [
      [tenant, 'integrations.connect', 'requested', null],
      ['operator', 'integrations.connect', 'requested', null],
    ].toSorted((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1)),
  )
  // The next process writes on behind it.
  const next = await startTestService(emulator.url, { ...env(), SPOKE_ROLE: 'api' })
  const path = `/api/hubspot/integrations/${tenant}/${integration}`
  const headers = { authorization: `Bearer ${adminKey}` }
  assert.equal((await next.delete(path, headers)).status, 200)
  await next.stop()
  const { code, out } = await spoke('audit', 'verify')
  assert.equal(code, 0, out)
})

test('what a command changes is recorded, with the operator as its actor', async () => {
  const made = randomUUID()
  assert.equal((await spoke('tenants', 'create', made)).code, 0)
  assert.equal((await spoke('api-keys', 'create', made, '--name', 'x')).code, 0)
  assert.equal((await spoke('key-ring', 'rotate')).code, 0)
  const names = (await spoke('audit', 'names', made)).out.trim()
  assert.match(names, /^tenant:k1:[\w-]{22}$/)
  const said = (await eventsOf(`actor = 'cli'`)).map(({ chain, action, target, address, phase, result }) => {
    assert.equal(address, null)
    return [chain === made ? 'own' : chain, action, target, phase, result].join(' ')
  })
  assert.deepEqual(said.toSorted(), [
    `operator key-ring.rotate key:k1 done ok`,
    `operator key-ring.rotate key:k1 requested `,
    `operator tenants.create ${names} done 201`,
    `operator tenants.create ${names} requested `,
    'own apiKeys.create  done 201',
    'own apiKeys.create  requested ',
    'own tenants.create  done 201',
  ])
  const list = (await spoke('audit', 'list', made, '--json')).out
  assert.deepEqual(
    JSON.parse(list).events.map(({ seq }: { seq: number }) => seq),
    [3, 2, 1],
  )
  assert.match((await spoke('audit', 'list')).out, /cli\tkey-ring\.rotate\tkey:k1\tdone\tok/)
})

test('verify prints every head, checks saved ones, and exits with 1 at the first broken event', async () => {
  const { code, out } = await spoke('audit', 'verify', '--json')
  assert.equal(code, 0, out)
  const heads = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.equal(heads[0].chain, 'operator')
  assert.ok(heads.length >= 3 && heads.every(({ head, from }) => /^[0-9a-f]{64}$/.test(head) && from === 1))
  const file = join(dir, 'heads.jsonl')
  writeFileSync(file, out)
  assert.equal((await spoke('tenants', 'create', randomUUID())).code, 0)
  assert.equal((await spoke('audit', 'verify', '--heads', file)).code, 0, 'a chain that grew')

  const { chain, seq } = heads.find((one) => one.chain === tenant)
  await adminQuery(`delete from audit_events where tenant_id = '${chain}' and seq = ${seq}`, url)
  assert.equal((await spoke('audit', 'verify')).code, 0, 'nothing is found without the saved head')
  const cut = await spoke('audit', 'verify', '--heads', file)
  assert.equal(cut.code, 1)
  assert.match(cut.err, new RegExp(`${tenant}: event ${seq} is among the saved heads but is missing`))

  await adminQuery(`delete from operator_audit where seq = 1`, url)
  const old = await spoke('audit', 'verify')
  assert.equal(old.code, 1, 'the oldest event is missing')
  assert.match(old.err, /^spoke: operator: the events before event 2 are gone$/m)
  assert.match(old.out, /\b1 broken$/m)
  const [first] = await adminQuery('select prev_hash from operator_audit where seq = 2', url)
  const explained = JSON.stringify({ chain: 'operator', seq: 1, head: first?.prev_hash })
  writeFileSync(file, `${explained}\n`)
  assert.equal((await spoke('audit', 'verify', '--heads', file)).code, 0, 'what was noted up to there may go')
  writeFileSync(
    file,
    explained
      .replace(/[0-9a-f]"}/, 'x"}')
      .replace('x"}', first?.prev_hash?.toString().endsWith('0') ? '1"}' : '0"}'),
  )
  assert.equal((await spoke('audit', 'verify', '--heads', file)).code, 1, 'another head explains nothing')

  await adminQuery(`update operator_audit set actor = 'x' where seq = 2`, url)
  const broken = await spoke('audit', 'verify')
  assert.equal(broken.code, 1)
  assert.match(broken.out, /^operator\tBROKEN: event 2 does not match its hash$/m)
  assert.match(broken.out, /\b1 broken$/m)

  writeFileSync(file, 'nonsense\n')
  const nonsense = await spoke('audit', 'verify', '--heads', file)
  assert.equal(nonsense.code, 1)
  assert.match(nonsense.err, /line 1: not output of/)
})
