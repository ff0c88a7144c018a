/** What PostgreSQL stores of a password, computed here. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../../src/lib/secret.ts'
import { newSqlPassword, scramVerifier } from '../../src/sql-access/scram.ts'

test('it is that of RFC 7677 for the example there', () => {
  assert.equal(
    scramVerifier(new Secret('pencil'), Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')),
    'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
  )
})

test('two passwords, and two verifiers of one, differ', () => {
  const password = newSqlPassword()
  assert.notEqual(password.reveal(), newSqlPassword().reveal())
  assert.notEqual(scramVerifier(password), scramVerifier(password))
})
