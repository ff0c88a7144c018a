/** What was read with a claim may be replaced before it is used: a connect must not fail the run that follows it. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { Database } from '../../../src/db/database.ts'
import { withTenant } from '../../../src/db/scope.ts'
import { listPage } from '../../../src/hubspot/objects.ts'
import { setIntegrationStatus } from '../../../src/integrations/store.ts'
import { replaceToken } from '../../../src/integrations/tokens/token-store.ts'
import { readStoredAccess } from '../../../src/integrations/tokens/tokens.ts'
import { ticketKind } from '../../../src/issues/ticket-kind.ts'
import { Secret } from '../../../src/lib/secret.ts'
import { type Bench, startBench } from '../../issues/catalog-fixture.ts'
import { startTestEmulator, type TestEmulator } from '../../support/emulator.ts'
import { postgres } from '../../support/engines.ts'
import { A, ring } from '../../support/rows.ts'

const retryLimits = { maxAttempts: 1, totalMs: 5_000 }
const { signal } = new AbortController()

let emulator: TestEmulator
let db: Database
let close: () => Promise<void>
let bench: Bench
before(async () => {
  emulator = await startTestEmulator()
  ;({ db, close } = await postgres.open())
})
beforeEach(async () => {
  bench = await startBench(db, emulator, { tickets: 3 }, ['oauth', 'tickets'])
})
after(async () => {
  await close()
  await emulator.close()
})

const within = <T>(work: Parameters<typeof withTenant<T>>[2]) => withTenant(db, A, work)
const stored = () => within((scope) => readStoredAccess(scope, bench.whose.integrationId))

/** Reads a page with what was stored. */
const readWith = (access: Awaited<ReturnType<typeof stored>>) =>
  bench.tokens.use(bench.whose, { retryLimits, signal, stored: access }, async (access) => {
    const { hubspot } = bench.parts
    return await listPage(
      hubspot,
      ticketKind,
      { after: undefined, limit: 10 },
      { access, retryLimits, signal },
    )
  })

test('a token that was replaced and revoked meanwhile is read again', async () => {
  const before = await stored()
  await emulator.control('POST', '/tokens/revoke', { portal_id: bench.hubId })
  const { token } = await emulator.control('POST', `/portals/${bench.hubId}/tokens`, { kind: 'private_app' })
  const renewed = {
    kind: 'static',
    accessToken: new Secret(token),
    refreshToken: undefined,
    expiresInMs: null,
  } as const
  await within((scope) => replaceToken(scope, ring, bench.whose.integrationId, renewed))
  assert.equal((await readWith(before)).records.length, 3)
})

test('an integration that had to be connected again when it was read, and was, is read again', async () => {
  const { integrationId } = bench.whose
  await within((scope) => setIntegrationStatus(scope, integrationId, 'reauth_required', 'token_refused'))
  const before = await stored()
  await within((scope) => setIntegrationStatus(scope, integrationId, 'active', null))
  assert.equal((await readWith(before)).records.length, 3)
})

test('a token that is refused and was not replaced is given up', async () => {
  const before = await stored()
  await emulator.control('POST', '/tokens/revoke', { portal_id: bench.hubId })
  await assert.rejects(readWith(before), { code: 'token_invalid' })
  assert.equal((await stored()).integration?.status, 'reauth_required')
})
