/** The one oracle for refusals: what every response to bad input has in common. */
import assert from 'node:assert/strict'
import type { TestEmulator } from '../support/emulator.ts'
import type { TestService } from '../support/service.ts'
import { auditCount, tableCounts } from './database.ts'
import { type Answer, type Sent, send } from './send.ts'

export interface Refusal extends Sent {
  what: string
  status: number
  /** One, or those that the contract leaves open. */
  code: string | string[]
  /** Strings of the input that must appear neither in the response nor in the log. */
  secret?: string[]
  pointer?: string
}

export interface Watched {
  service: TestService
  emulator: TestEmulator
  database: string
}

const inside =
  /node_modules|node:internal|\bat \S+ \(|\.ts\b|\/src\/|\bselect\b.+\bfrom\b|\binsert into\b|\brelation "|postgres|kysely|fastify|FST_|\bzod\b|\bundici\b|ECONN/i

const wordsOfZod =
  /Invalid (input|option|key|element|string|UUID|ISO)|expected (one of|string|object|number|array|boolean)|received (null|undefined|string|number|array|object|boolean|NaN)|Unrecognized key|Too (small|big)|does not fit the schema/

/** Status, media type and shape of one refusal; what the server is made of does not show. */
export function checkShape(
  answer: Answer,
  { what, status, code, pointer }: Omit<Refusal, 'path'>,
  media = 'application/json; charset=utf-8',
): void {
  const said = `${what}: ${answer.status} ${answer.text.slice(0, 500)}`
  const { json } = answer
  assert.equal(answer.status, status, said)
  assert.equal(answer.headers['content-type'], media, said)
  assert.ok(json, said)
  const known = ['success', 'error', 'code', 'request_id', 'type', 'title', 'status', 'detail', 'errors']
  assert.deepEqual(
    Object.keys(json).filter((key) => !known.includes(key)),
    [],
    said,
  )
  assert.equal(json.success, false, said)
  for (const name of ['error', 'code', 'request_id', 'type', 'title', 'detail'])
    assert.ok(typeof json[name] === 'string' && json[name] !== '', `${name} in ${said}`)
  assert.ok([code].flat().includes(json.code), `code is ${json.code}, not ${code}: ${said}`)
  assert.equal(json.status, status, said)
  if (json.errors) checkErrors(json, said)
  if (pointer !== undefined) assert.equal(json.errors?.[0]?.pointer, pointer, said)
  assert.ok(Buffer.byteLength(answer.text) <= 2_048, `${Buffer.byteLength(answer.text)} bytes: ${said}`)
  assert.doesNotMatch(answer.text, inside, said)
  assert.doesNotMatch(answer.text, wordsOfZod, said)
}

function checkErrors(json: { code: string; errors: unknown[] }, said: string): void {
  assert.ok(['validation_failed', 'invalid_id', 'invalid_cursor', 'missing_scopes'].includes(json.code), said)
  for (const one of json.errors as Record<string, unknown>[])
    assert.deepEqual(
      Object.keys(one).sort(),
      'parameter' in one ? ['parameter', 'pointer', 'rule'] : ['pointer', 'rule'],
      said,
    )
}

/** Sends a request that is refused without calling HubSpot, and checks every guarantee about refusals on the response. */
export async function refused({ service, emulator, database }: Watched, expected: Refusal): Promise<Answer> {
  const before = await tableCounts(database)
  const audited = await auditCount(database)
  const asked = emulator.world.log.list().length
  const from = service.lines.length
  const answer = await send(service.url, expected)
  checkShape(answer, expected)
  checkLog(service, from, answer, expected.what)
  const written = service.lines.slice(from).join('')
  for (const secret of expected.secret ?? []) {
    assert.ok(!answer.text.includes(secret), `${expected.what}: the answer echoes the input: ${answer.text}`)
    assert.ok(!written.includes(secret), `${expected.what}: the log holds the input: ${written}`)
  }
  assert.deepEqual(await tableCounts(database), before, `${expected.what}: the database has changed`)
  checkAudit(expected, answer, (await auditCount(database)) - audited)
  const calls = emulator.world.log.list().slice(asked)
  assert.deepEqual(calls, [], `${expected.what}: HubSpot was called`)
  return answer
}

/** A request that never reached a handler, or has no credential, writes no row; any other writes a request and a result, or neither. */
function checkAudit({ what, method = 'GET' }: Refusal, { status, json }: Answer, grown: number): void {
  const before = [401, 405, 413, 414, 415, 421, 431].includes(status) || json.code === 'invalid_json'
  const reads = method === 'GET' && json.code !== 'integration_not_found'
  const allowed = before || reads ? [0] : [0, 2]
  assert.ok(allowed.includes(grown), `${what}: ${grown} events in the audit log`)
}

/** One line has the reason, no line is above a warning, and it has the caller's request id. */
export function checkLog(service: TestService, from: number, answer: Answer, what: string): void {
  const id = answer.json.request_id
  if (answer.headers['request-id'] !== undefined || answer.headers.connection !== 'close')
    assert.equal(answer.headers['request-id'], id, `${what}: Request-Id`)
  const lines = service.lines.slice(from).map((line) => JSON.parse(line))
  const about = lines.filter((line) => line.request_id === id)
  const why = about.filter((line) => line.code === answer.json.code)
  assert.equal(why.length, 1, `${what}: lines with the reason: ${JSON.stringify(about)}`)
  const loud = lines.filter((line) => line.level > 40 || /^(error|fatal)$/.test(String(line.level)))
  assert.deepEqual(loud, [], `${what}: louder than a warning`)
}
