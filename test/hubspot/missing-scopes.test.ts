/** A 403 from HubSpot: which scopes it names, in each recorded form, and what the caller gets and the row stores. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { missingScopes as emulated } from '../../packages/emulator/src/http/reply.ts'
import { asAppError } from '../../src/hubspot/as-app-error.ts'
import { errorOf } from '../../src/hubspot/hubspot-error.ts'
import { scopesCode } from '../../src/hubspot/missing-scopes.ts'
import { AppError } from '../../src/lib/errors.ts'

const category = 'MISSING_SCOPES'
const all = 'All of the following scopes are required.'
const any = 'One or more of the following scopes are required.'
const [a, b] = ['tickets', 'crm.schemas.tickets.read']

const cases: [body: object, code: string, sentence: string][] = [
  [
    { category, errors: [{ message: all, context: { requiredScopes: [a] } }] },
    'missing_scopes:tickets',
    'The token lacks the scope tickets',
  ],
  [
    { category, errors: [{ message: all, context: { requiredScopes: [a, b] } }] },
    `missing_scopes:${a},${b}`,
    `The token lacks one or more of the scopes ${a}, ${b}, all of which are needed`,
  ],
  [
    { category, errors: [{ message: any, context: { requiredGranularScopes: [a, b] } }] },
    `missing_scopes:${a}|${b}`,
    `The token lacks one of the scopes ${a}, ${b}`,
  ],
  [
    { category, errors: [{ message: all, context: { requiredScopes: [a], requiredGranularScopes: [b] } }] },
    `missing_scopes:${a}|${b}`,
    `The token lacks one of the scopes ${a}, ${b}`,
  ],
  [
    { category, context: { requiredGranularScopes: [b] } },
    `missing_scopes:${b}`,
    `The token lacks the scope ${b}`,
  ],
  [
    { category, context: { missingScopes: [a, b] } },
    `missing_scopes:${a},${b}`,
    `The token lacks scopes; HubSpot names ${a}, ${b}`,
  ],
  [{ category, requiredScopes: [b] }, `missing_scopes:${b}`, `The token lacks the scope ${b}`],
  [
    { errors: [null, 7, { context: { missingScopes: [b, 7, 'no name', `x${'y'.repeat(90)}`] } }] },
    `missing_scopes:${b}`,
    `The token lacks the scope ${b}`,
  ],
  [
    { category, message: 'not for public use' },
    'missing_scopes',
    'The token lacks a scope that HubSpot does not name',
  ],
]

for (const [body, code, sentence] of cases)
  test(`${JSON.stringify(body).slice(0, 110)}: ${code}`, () => {
    const error = errorOf('tickets list', 403, body, undefined)
    assert.ok(error.kind === 'forbidden' && error.missing)
    assert.equal(scopesCode(error.missing), code)
    const shown = asAppError(error)
    assert.ok(shown instanceof AppError)
    assert.deepEqual([shown.code, shown.message], ['missing_scopes', sentence])
  })

test('each form that the emulator has is read, and what is not named is not claimed', () => {
  for (const form of ['required', 'granular', 'both', 'top', 'missing', 'unnamed'] as const) {
    const { json } = emulated(['tickets'], form)
    const { missing } = errorOf('tickets list', 403, json, undefined)
    assert.deepEqual(missing?.names, form === 'unnamed' ? [] : ['tickets'], form)
  }
})

test('a 403 that is not about scopes carries HubSpot’s category', () => {
  for (const category of [
    'BANNED',
    'SCOPE_RESTRICTED',
    'TRUST_VIOLATION',
    'USER_DOES_NOT_HAVE_PERMISSIONS',
  ]) {
    const error = errorOf(
      'tickets list',
      403,
      { category, message: 'the token pat-na1-1 does not' },
      undefined,
    )
    for (const connecting of [false, true]) {
      const shown = asAppError(error, connecting)
      assert.ok(shown instanceof AppError)
      assert.deepEqual(
        [shown.code, shown.message, shown.status],
        [
          'hubspot_forbidden',
          `HubSpot denies access for a reason other than a missing scope (${category})`,
          connecting ? 422 : 409,
        ],
      )
    }
  }
})
