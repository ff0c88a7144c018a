/** What a unit of work sends to PostgreSQL, seen from the network: packets, messages, and a server that falls silent. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { sql } from 'kysely'
import { openDatabase } from '../../src/db/open-database.ts'
import { withSystem, withSystemStatement, withTenant } from '../../src/db/scope.ts'
import { parseTenantId } from '../../src/db/tenant-id.ts'
import { quiet } from '../support/engines.ts'
import { newPostgresDatabase } from '../support/postgres.ts'
import { seedTenant } from '../support/rows.ts'

/** The texts in a packet, of simple queries and of statements to parse; a sync is `;`, and a bound one without text is `bound`. */
function messagesOf(packet: Buffer): string[] {
  const messages: string[] = []
  let parsed = false
  for (let at = 0; at < packet.length; ) {
    const type = String.fromCharCode(packet[at] as number)
    const end = at + 1 + packet.readInt32BE(at + 1)
    const body = packet.toString('utf8', at + 5, end)
    if (type === 'Q') messages.push(body.split('\0', 1)[0] as string)
    if (type === 'P') messages.push(body.split('\0')[1] as string)
    if (type === 'B' && !parsed) messages.push('bound')
    if (type === 'S') messages.push(';')
    parsed = type === 'P'
    at = end
  }
  return messages
}

/** A database behind a relay that keeps what each packet contains. */
async function openBehindRelay(t: TestContext, statementMs: number) {
  const server = new URL(await newPostgresDatabase())
  const packets: string[][] = []
  const sockets: Socket[] = []
  const state = { isSilent: false }
  const relay = createServer((client) => {
    const upstream = connect(Number(server.port), server.hostname)
    sockets.push(client, upstream)
    for (const socket of [client, upstream]) socket.on('error', () => {})
    // Both the start of the session and its password have no statements.
    client.on('data', (packet) => {
      if (packet[0] === 0 || packet[0] === 'p'.charCodeAt(0) || state.isSilent) upstream.write(packet)
      else {
        packets.push(messagesOf(packet))
        upstream.write(packet)
      }
    })
    upstream.on('data', (packet) => {
      if (!state.isSilent) client.write(packet)
    })
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroy())
  })
  await once(relay.listen(0, '127.0.0.1'), 'listening')
  const url = Object.assign(new URL(server), {
    hostname: '127.0.0.1',
    port: String((relay.address() as AddressInfo).port),
  })
  const db = await openDatabase({ url: url.toString(), dataDir: '', poolSize: 1, statementMs }, quiet)
  t.after(async () => {
    await db.close()
    for (const socket of sockets) socket.destroy()
    relay.close()
  })
  const sentBy = async (work: () => Promise<unknown>) => {
    packets.length = 0
    await work()
    return [...packets]
  }
  return { db, state, sentBy }
}

const limits = ['set local statement_timeout = 3000', 'set local idle_in_transaction_session_timeout = 30000']

test('the opening goes with the first statement, each a message of its own, and one answer is waited for', async (t) => {
  const { db, sentBy } = await openBehindRelay(t, 3_000)
  const tenant = parseTenantId(randomUUID())
  await seedTenant(db, tenant, 1)
  const text = 'select $1::text as name'
  const opening = [
    ...['begin', ...limits, 'set local role spoke_app', `set local spoke.tenant_id = '${tenant}'`],
    ...['select spoke_begin_tenant()', ';'],
  ]
  const unit = (prepare: boolean, statements: number) => () =>
    withTenant(db, tenant, async ({ query }) => {
      for (let n = 0; n < statements; n++) await query(sql`select ${'x'}::text as name`, { prepare })
    })

  assert.deepEqual(await sentBy(unit(false, 0)), [[...opening, 'commit']])
  assert.deepEqual(await sentBy(unit(false, 2)), [[...opening, text, ';'], [text, ';'], ['commit']])
  assert.deepEqual(await sentBy(unit(true, 2)), [[...opening, text, ';'], ['bound', ';'], ['commit']])
  assert.deepEqual(await sentBy(unit(true, 1)), [[...opening, 'bound', ';'], ['commit']])
  assert.deepEqual(
    await sentBy(() => withSystem(db, async () => Promise.reject(new Error('nothing sent'))).catch(() => {})),
    [],
  )
})

test('a unit of one statement is one packet, with its commit', async (t) => {
  const { db, sentBy } = await openBehindRelay(t, 3_000)
  const ask = () => withSystemStatement(db, ({ query }) => query(sql`select 1 as n`), { asyncCommit: true })
  await ask()
  const opening = [
    'begin',
    ...limits,
    'set local role spoke_system',
    'set local synchronous_commit = off',
    ';',
  ]
  assert.deepEqual(await sentBy(ask), [[...opening, 'select 1 as n', 'commit']])
})

test('a connection on which no answer arrives is not lent again', async (t) => {
  const { db, state } = await openBehindRelay(t, 300)
  for (const ask of [withSystem, withSystemStatement] as (typeof withSystem)[]) {
    const one = () => ask(db, ({ query }) => query(sql<{ pid: number }>`select pg_backend_pid() as pid`))
    const [before] = await one()
    state.isSilent = true
    await assert.rejects(one(), /Query read timeout/)
    state.isSilent = false
    const [after] = await one()
    assert.notEqual(after?.pid, before?.pid)
  }
})
