/** While the database is unavailable the service is alive, not ready, and returns 503 in bounded time; afterwards it serves again. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startTestEmulator } from '../support/emulator.ts'
import { adminQuery } from '../support/postgres.ts'
import { eventually } from '../support/service.ts'
import { wireTo } from '../support/wire.ts'
import { databaseOf } from './database.ts'
import { connectTenant, idle, newAccount, startOn } from './http-fixture.ts'
import { checkShape, type Watched } from './oracle.ts'
import { send } from './send.ts'

let bench: Watched & { tenant: string; integration: string }
let wire: Awaited<ReturnType<typeof wireTo>>
const login = `away_${process.pid}`
const ask = (path: string) => send(bench.service.url, { path })

before(async () => {
  const emulator = await startTestEmulator({ quirks: { index_lag_ms: 0 } })
  const database = await databaseOf()
  await adminQuery(`create role ${login} login superuser`)
  wire = await wireTo(Object.assign(new URL(database), { username: login }).toString())
  const { service } = await startOn(emulator, { DATABASE_URL: wire.url })
  const ids = await connectTenant(service, newAccount(emulator).token)
  await idle(service, database)
  bench = { service, emulator, database, ...ids }
})
after(async () => {
  await bench.service.stop()
  await bench.emulator.close()
  wire.close()
})

async function isAway(): Promise<void> {
  const ready = await eventually(async () => {
    const answer = await ask('/readyz')
    return answer.status === 503 && answer
  }, 'it is not ready')
  assert.doesNotMatch(ready.text, /t_[0-9a-f]{8}|postgres|127\.0\.0\.1|does not exist|ECONN/)
  assert.equal((await ask('/livez')).status, 200)
  const paths = ['integrations', 'issues'].map((noun) => `/api/hubspot/${noun}/${bench.tenant}`)
  await Promise.all(
    paths.map(async (path) => {
      const answer = await ask(path)
      checkShape(answer, { what: path, status: 503, code: 'unavailable' })
      assert.match(String(answer.headers['retry-after']), /^\d+$/)
    }),
  )
  assert.equal((await ask('/metrics')).status, 200)
}

async function isBack(): Promise<void> {
  await eventually(async () => (await ask('/readyz')).status === 200, 'it is ready again')
  await eventually(
    async () => (await ask(`/api/hubspot/integrations/${bench.tenant}`)).status === 200,
    'it serves again',
    10_000,
  )
}

test('a database that has fallen silent is 503 within seconds, and not a request without an end', async () => {
  wire.set('silent')
  const began = performance.now()
  await isAway().finally(() => wire.set('whole'))
  assert.ok(performance.now() - began < 15_000)
  await isBack()
})

test('a database that cannot be reached is 503', async () => {
  wire.set('cut')
  await isAway().finally(() => wire.set('whole'))
  await isBack()
})

test('a database that ends all connections and takes no new ones is 503', async () => {
  const name = new URL(bench.database).pathname.slice(1)
  await adminQuery(`alter database ${name} allow_connections false`)
  await adminQuery(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`)
  try {
    await isAway()
  } finally {
    await adminQuery(`alter database ${name} allow_connections true`)
  }
  await isBack()
})

test('a login that PostgreSQL does not let in any more is 503', async () => {
  await adminQuery(`alter role ${login} nologin`)
  await adminQuery(`select pg_terminate_backend(pid) from pg_stat_activity where usename = '${login}'`)
  try {
    await isAway()
  } finally {
    await adminQuery(`alter role ${login} login`)
  }
  await isBack()
})

test('a server without room on its disk is 503 disk_full for what would be stored, and reads go on', async () => {
  const post = () =>
    bench.service.post(`/api/hubspot/sync/${bench.tenant}/${bench.integration}`, { sync_type: 'full' })
  await adminQuery(
    `create function no_room() returns trigger language plpgsql as $$
      begin raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$;
     create trigger no_room before insert on audit_events for each row execute function no_room()`,
    bench.database,
  )
  try {
    const { status, headers, body } = await post()
    assert.deepEqual([status, body.code], [503, 'disk_full'])
    assert.match(String(headers.get('retry-after')), /^\d+$/)
    assert.equal((await ask(`/api/hubspot/issues/${bench.tenant}`)).status, 200)
    const ready = await ask('/readyz')
    assert.deepEqual([ready.status, ready.json.checks.disk], [503, 'full'])
  } finally {
    await adminQuery('drop trigger no_room on audit_events', bench.database)
  }
  assert.equal((await post()).status, 202)
  await isBack()
})
