/** Faults in how secrets are stored and kept out of output. */
import type { Fault } from '../fault.ts'

const sealing = 'test/lib/seal.test.ts'
const canaries = 'test/canaries.test.ts'

export const secrets: Fault[] = [
  {
    name: 'data-directory-left-open',
    in: 'makePrivate',
    find: 'if (!hasModes || isPrivate(dir)) return',
    put: 'if (hasModes || isPrivate(dir)) return',
    test: 'test/lib/private-directory.test.ts',
    only: 'an embedded database',
    gain: 'every user of the computer can read the tickets in the database files',
  },
  {
    name: 'sealed-for-any-tenant',
    in: 'decrypt',
    find: 'stands?.tenant === belongs.tenant &&',
    put: 'stands !== undefined &&',
    test: sealing,
    gain: 'a data key copied to another tenant’s row can be opened there',
  },
  {
    name: 'sealed-for-any-integration',
    in: 'decrypt',
    find: 'stands.integration === belongs.integration &&',
    put: '',
    test: sealing,
    gain: 'a token copied to another integration’s row is used for that integration',
  },
  {
    name: 'sealed-for-any-field',
    in: 'decrypt',
    find: 'stands.field === belongs.field',
    put: 'true',
    test: sealing,
    gain: 'a refresh token is used as an access token and sent where it does not belong',
  },
  {
    name: 'sentinels-not-checked',
    in: 'wrongKeys',
    find: 'if (sentinel !== undefined && !(await opensSentinel(key, sentinel)))',
    put: 'if (sentinel === "")',
    test: 'test/tenants/key-ring-start.test.ts',
    gain: 'a service with a wrong key starts and seals data that nobody can open again',
  },
  {
    name: 'short-ring-key',
    in: 'parseKeyRing',
    find: 'else if (key.length !== 32)',
    put: 'else if (key.length === 0)',
    test: 'test/config.test.ts',
    gain: 'tokens are sealed under a key that can be guessed',
  },
  {
    name: 'verifier-not-sealed',
    in: 'beginAuthorization',
    find: `codeVerifier: await sealer.seal(codeVerifier, { integration: integrationId, field: 'code_verifier' }),`,
    put: `codeVerifier: codeVerifier.reveal(),`,
    test: 'test/integrations/oauth/oauth.test.ts',
    gain: 'a copy of the database and an intercepted code are enough to get a token',
  },
  {
    name: 'state-not-hashed',
    in: 'hash',
    find: `const hash = (state: string) => createHash('sha256').update(state).digest('base64url')`,
    put: 'const hash = (state: string) => (createHash, state)',
    test: canaries,
    only: 'canaries on PostgreSQL',
    gain: 'somebody who can read the database can complete an authorization that somebody else started',
  },
  {
    name: 'token-in-an-error',
    in: 'connectByToken',
    find: `throw asAppError(error, true)
  })
  const start =`,
    put: `throw new AppError('token_invalid', \`Invalid token \${accessToken.reveal()}\`, { status: 422, cause: error })
  })
  const start =`,
    test: 'test/integrations/connect-refused.test.ts',
    gain: 'a rejected token appears in the response and wherever responses are stored',
  },
  {
    name: 'code-in-an-error',
    in: 'redeemAuthorizationCode',
    find: `throw new AppError('oauth_code_rejected', 'HubSpot does not accept this authorization code', {`,
    put: `throw new AppError('oauth_code_rejected', \`HubSpot does not take \${answer.code.reveal()}\`, {`,
    test: canaries,
    only: 'canaries on PostgreSQL',
    gain: 'an unused code appears in a response',
  },
  {
    name: 'urls-in-the-log',
    in: 'createServer',
    find: '{ method: request.method, route, status: reply.statusCode, ms:',
    put: '{ method: request.method, route: request.url, status: reply.statusCode, ms:',
    test: canaries,
    only: 'canaries on PostgreSQL',
    gain: 'a token that a caller put into a path by mistake stays in the log',
  },
  {
    name: 'scrubber-off',
    in: 'createLog',
    find: 'write(scrub(line))',
    put: 'write(line)',
    test: 'test/lib/log.test.ts',
    gain: 'a token in the text of a third-party error reaches the log',
  },
  {
    name: 'secret-that-goes-into-json',
    in: 'Secret',
    find: `toJSON(): string {
    return printed`,
    put: `toJSON(): string {
    return this.#value`,
    test: sealing,
    gain: 'logging an object that contains a token logs the token',
  },
  {
    name: 'message-of-an-unknown-error',
    in: 'replyError',
    find: `problemBody('internal', 'Internal error', 500, request.id)`,
    put: `problemBody('internal', String((failure as Error).message), 500, request.id)`,
    test: 'test/http/unknown-error.test.ts',
    gain: 'internal SQL, paths and values are returned to callers',
  },
  {
    name: 'tokens-retained-after-a-disconnect',
    in: 'disconnectIntegration',
    find: 'await clearToken(scope, integrationId)',
    put: '',
    test: 'test/integrations/disconnect.test.ts',
    gain: 'the tokens of a disconnected account stay in the database',
  },
]
