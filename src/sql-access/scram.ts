/**
 * Passwords of SQL logins, and what PostgreSQL stores of them. It is computed here, so that no
 * password reaches the server, its log or its statistics.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { Secret } from '../lib/secret.ts'

/** PostgreSQL's own number. The password has 256 random bits, so more would not help. */
const iterations = 4_096

export function newSqlPassword(): Secret {
  return new Secret(randomBytes(32).toString('base64url'))
}

/** The verifier of SCRAM-SHA-256 (RFC 5803), as PostgreSQL accepts it in place of a password. */
export function scramVerifier(password: Secret, salt: Buffer = randomBytes(16)): string {
  const salted = pbkdf2Sync(password.reveal(), salt, iterations, 32, 'sha256')
  const keyOf = (what: string) => createHmac('sha256', salted).update(what).digest()
  const stored = createHash('sha256').update(keyOf('Client Key')).digest('base64')
  const server = keyOf('Server Key').toString('base64')
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${stored}:${server}`
}
