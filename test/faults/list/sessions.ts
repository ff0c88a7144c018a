/** Faults in tokens of an identity provider, and in browsers' sessions. */
import type { Fault } from '../fault.ts'

const jwts = 'test/tenants/jwt.test.ts'
const sessionTests = 'test/tenants/sessions.test.ts'

export const sessions: Fault[] = [
  {
    name: 'token-for-another-audience',
    file: 'src/tenants/jwt.ts',
    find: 'audience: config.audience,',
    put: '',
    test: jwts,
    gain: 'a token that the provider gave out for another service opens a tenant here',
  },
  {
    name: 'token-of-another-issuer',
    file: 'src/tenants/jwt.ts',
    find: 'issuer: config.issuer,',
    put: '',
    test: jwts,
    gain: 'whoever shares the provider’s keys makes tokens for our tenants',
  },
  {
    name: 'token-that-need-not-end',
    file: 'src/tenants/jwt.ts',
    find: `requiredClaims: ['exp', 'iat', 'sub'],
        maxTokenAge: 24 * 60 * 60,`,
    put: `requiredClaims: ['sub'],`,
    test: jwts,
    gain: 'a token without an end works for ever',
  },
  {
    name: 'token-of-any-type',
    file: 'src/tenants/jwt.ts',
    find: `if (!/^(application\\/)?(at\\+)?jwt$/i.test(protectedHeader.typ ?? 'jwt')) return refuse('typ')`,
    put: '',
    test: jwts,
    gain: 'what the provider signs for other ends, such as a logout, lets in',
  },
  {
    name: 'session-cookie-that-scripts-read',
    file: 'src/tenants/session.ts',
    find: 'Path=/; HttpOnly; SameSite=Strict',
    put: 'Path=/; SameSite=Strict',
    test: sessionTests,
    gain: 'one injected script takes the session away',
  },
  {
    name: 'cookie-that-goes-with-foreign-pages',
    file: 'src/tenants/session.ts',
    find: 'SameSite=Strict',
    put: 'SameSite=None',
    test: sessionTests,
    gain: 'the first of the protections against forged requests is gone',
  },
  {
    name: 'forged-requests-let-through',
    file: 'src/tenants/forged.ts',
    find: `if (!same(headers['x-spoke-csrf'], csrf))`,
    put: 'if (csrf === undefined)',
    test: sessionTests,
    gain: 'a page of another site disconnects with the session of whoever looks at it',
  },
  {
    name: 'session-kept-in-plain',
    file: 'src/tenants/session.ts',
    find: `export const hashOf = (token: string): string => createHash('sha256').update(token).digest('base64url')`,
    put: 'export const hashOf = (token: string): string => (createHash, token)',
    test: sessionTests,
    gain: 'who can read the database is logged in as everybody',
  },
  {
    name: 'session-that-does-not-idle-out',
    file: 'src/tenants/session-store.ts',
    find: 'and s.last_used_at > clock_timestamp() - ',
    put: 'and s.last_used_at > clock_timestamp() - 9 * ',
    test: sessionTests,
    gain: 'a browser that was left open at noon is open in the evening',
  },
  {
    name: 'session-chosen-by-somebody-else',
    file: 'src/tenants/sessions.ts',
    find: 'const token = newToken()',
    put: 'const token = tokenIn(asked.headers.cookie, ours) ?? newToken()',
    test: sessionTests,
    gain: 'who plants a cookie before the login has the session after it',
  },
]
