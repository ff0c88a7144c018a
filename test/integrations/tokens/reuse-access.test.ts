/** What a run reads with its claim saves it one transaction, and never outlives a second. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HubSpotAccess } from '../../../src/hubspot/client/client.ts'
import { HubSpotError } from '../../../src/hubspot/hubspot-error.ts'
import { reuseAccess } from '../../../src/integrations/tokens/reuse-access.ts'
import type { StoredAccess, Tokens } from '../../../src/integrations/tokens/tokens.ts'
import { Secret } from '../../../src/lib/secret.ts'
import { handClock } from '../../support/clock.ts'

const ref = { tenantId: '11111111-1111-4111-8111-111111111111' as never, integrationId: 'i' }
const options = { retryLimits: { maxAttempts: 1, totalMs: 1_000 }, signal: new AbortController().signal }
const stored = { integration: undefined, token: undefined }

/** Lists what each use of a token was given. */
function startReuse() {
  const clock = handClock()
  const uses: (StoredAccess | undefined)[] = []
  const access: HubSpotAccess = { token: new Secret('t'), app: 'pasted', hubId: 1 }
  const tokens = {
    use: async (
      _ref: unknown,
      { stored }: { stored?: StoredAccess },
      work: (a: HubSpotAccess) => unknown,
    ) => {
      uses.push(stored)
      return await work(access)
    },
  } as unknown as Tokens
  return { clock, uses, withAccess: reuseAccess({ tokens, clock }, ref, options, stored) }
}

test('the first step uses what was read with the claim, later ones the opened token', async () => {
  const { clock, uses, withAccess } = startReuse()
  await withAccess(async () => {})
  await withAccess(async () => {})
  assert.deepEqual(uses, [stored])
  clock.move(10_000)
  await withAccess(async () => {})
  assert.deepEqual(uses, [stored, undefined])
})

test('what was read more than a second ago is read again', async () => {
  const { clock, uses, withAccess } = startReuse()
  clock.move(1_000)
  await withAccess(async () => {})
  assert.deepEqual(uses, [undefined])
})

test('after a refusal the token is read again', async () => {
  const { uses, withAccess } = startReuse()
  const refused = new HubSpotError('unauthorized', '/crm', { status: 401 })
  await assert.rejects(
    withAccess(() => Promise.reject(refused)),
    refused,
  )
  await withAccess(async () => {})
  assert.deepEqual(uses, [stored, undefined])
})
