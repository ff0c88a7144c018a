/** Requests to HubSpot's journal, and with which token. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HubSpot, HubSpotCall, HubSpotResponse } from '../../src/hubspot/client/client.ts'
import { HubSpotError, type HubSpotErrorKind } from '../../src/hubspot/hubspot-error.ts'
import { createJournal } from '../../src/hubspot/journal-api.ts'
import { Secret } from '../../src/lib/secret.ts'
import { handClock } from '../support/clock.ts'

type Given = (call: HubSpotCall) => unknown

/** A HubSpot that answers token requests itself, and everything else as given. @param token fails when it throws */
function startJournal(given: Given, token: Given = () => ({ access_token: 't', expires_in: 1_800 })) {
  const calls: HubSpotCall[] = []
  const tokens: HubSpotCall[] = []
  const hubspot: HubSpot = {
    async call(call): Promise<HubSpotResponse> {
      const isToken = call.endpoint === 'app token'
      ;(isToken ? tokens : calls).push(call)
      const body = (isToken ? token : given)(call)
      return { status: body === undefined ? 204 : 200, body, date: new Date(0) }
    },
    close: async () => {},
    batchSizeFor: (_key, _endpoint, wanted) => wanted,
  }
  const clock = handClock()
  const app = { clientId: 'ours', clientSecrets: [new Secret('s3cr3t')] }
  const journal = createJournal({ hubspot, app, retryLimits: { maxAttempts: 1, totalMs: 1_000 }, clock })
  return { journal, calls, tokens, clock, signal: new AbortController().signal }
}

const failing = (kind: HubSpotErrorKind, facts: object = {}) => {
  throw new HubSpotError(kind, 'test', facts)
}

test('the next file follows a position, the first one is the earliest, and no newer file means none', async () => {
  const { journal, calls, signal } = startJournal(({ path }) =>
    String(path).endsWith('earliest')
      ? { currentOffset: 'a', url: 'https://x/1', expiresAt: 'soon' }
      : undefined,
  )
  assert.equal((await journal.next(undefined, signal))?.offset, 'a')
  assert.equal(await journal.next('a/b c', signal), undefined)
  assert.deepEqual(
    calls.map(({ path }) => path),
    ['/webhooks-journal/journal/2026-03/earliest', '/webhooks-journal/journal/2026-03/offset/a%2Fb%20c/next'],
  )
})

test('an invalid pointer to a file is refused', async () => {
  for (const body of [{}, { currentOffset: '', url: 'x' }, { currentOffset: 'a' }, 'text', []]) {
    const { journal, signal } = startJournal(() => body)
    await assert.rejects(journal.next(undefined, signal), { kind: 'invalid' })
  }
})

test('the address of a file is a secret everywhere, and no token is sent to it', async () => {
  const { journal, calls, signal } = startJournal(({ path }) =>
    path instanceof Secret ? { journalEvents: [] } : { currentOffset: 'a', url: 'https://x/1?signature=abc' },
  )
  const file = await journal.next(undefined, signal)
  assert.ok(file)
  assert.ok(!JSON.stringify(file).includes('signature'))
  await journal.read(file, signal).catch(() => {})
  const { path, token, app } = calls.at(-1) as HubSpotCall
  assert.ok(path instanceof Secret)
  assert.deepEqual([token, app], [undefined, undefined])
})

test('one token serves until shortly before its end; one that HubSpot refuses is replaced once', async () => {
  let refused = 0
  const { journal, tokens, clock, signal } = startJournal(() => {
    if (refused-- > 0) failing('unauthorized')
    return undefined
  })
  for (let times = 0; times < 5; times++) await journal.next('a', signal)
  assert.equal(tokens.length, 1)
  clock.move(1_739_000)
  await journal.next('a', signal)
  assert.equal(tokens.length, 1)
  clock.move(2_000)
  await journal.next('a', signal)
  assert.equal(tokens.length, 2)
  refused = 1
  await journal.next('a', signal)
  assert.equal(tokens.length, 3)
  refused = 2
  await assert.rejects(journal.next('a', signal), { kind: 'unauthorized' })
  assert.equal(tokens.length, 4)
})

test('HubSpot knows the scopes by one of two names, and the right one is used from then on', async () => {
  const named = (call: HubSpotCall, name: string) => call.form?.scope?.includes(name)
  for (const name of ['developer.webhooks_journal.read', 'webhooks-journal-data-access']) {
    const { journal, tokens, clock, signal } = startJournal(
      () => undefined,
      (call) => (named(call, name) ? { access_token: 't', expires_in: 100 } : failing('misconfigured')),
    )
    await journal.next('a', signal)
    clock.move(200_000)
    await journal.next('a', signal)
    assert.ok(named(tokens.at(-1) as HubSpotCall, name))
    assert.equal(tokens.length, name.startsWith('developer') ? 2 : 3)
  }
  const wrong = startJournal(
    () => undefined,
    () => failing('misconfigured', { clientRefused: true }),
  )
  await assert.rejects(wrong.journal.next('a', wrong.signal), { kind: 'misconfigured' })
  assert.equal(wrong.tokens.length, 1, 'our id or secret is wrong, not a name')
  const closed = startJournal(
    () => undefined,
    () => failing('misconfigured'),
  )
  await assert.rejects(closed.journal.next('a', closed.signal), { kind: 'misconfigured' })
})

test('an account is subscribed with all its properties; what else HubSpot refuses is reported', async () => {
  const typeOf = ({ json }: HubSpotCall) => (json as { subscriptionType: string }).subscriptionType
  const { journal, calls, signal } = startJournal((call) =>
    typeOf(call) === 'GDPR_PRIVACY_DELETION' ? failing('rejected') : {},
  )
  assert.deepEqual(await journal.subscribe(4711, ['subject', 'mine'], signal), ['GDPR_PRIVACY_DELETION'])
  const [first] = calls
  assert.deepEqual(first?.json, {
    subscriptionType: 'OBJECT',
    portalId: 4711,
    objectTypeId: '0-5',
    actions: ['CREATE', 'UPDATE', 'DELETE', 'MERGE', 'RESTORE'],
    properties: ['subject', 'mine'],
    objectIds: [],
  })
  for (const kind of ['forbidden', 'rejected'] as const) {
    const refused = startJournal(() => failing(kind))
    await assert.rejects(refused.journal.subscribe(4711, [], refused.signal), { kind })
  }
  const away = startJournal((call) => (typeOf(call) === 'ASSOCIATION' ? failing('unavailable') : {}))
  await assert.rejects(away.journal.subscribe(4711, [], away.signal), { kind: 'unavailable' })
})

test('a subscription that HubSpot no longer accepts has ended; while HubSpot is unavailable none has', async () => {
  for (const kind of ['not_found', 'forbidden', 'rejected'] as const) {
    const { journal, signal } = startJournal(() => failing(kind))
    await journal.unsubscribe(4711, signal)
  }
  const { journal, signal } = startJournal(() => failing('unavailable'))
  await assert.rejects(journal.unsubscribe(4711, signal), { kind: 'unavailable' })
})
