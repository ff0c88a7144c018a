/** An identity provider: keys of its own over HTTP, and tokens signed with them. It can be slow, broken, huge, or unavailable. */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'

export type Alg = 'EdDSA' | 'ES256' | 'RS256'

export interface SigningKey {
  kid: string
  alg: Alg
  privateKey: CryptoKey
  jwk: JWK
}

export interface Provider {
  issuer: string
  jwksUrl: string
  /** How often its keys were requested. */
  calls(): number
  /** Open now. */
  connections(): Promise<number>
  /** Requests to any other path: there should be none. */
  strays: string[]
  /** What the keys' address answers from now on; undefined: the keys. */
  answer: ((request: IncomingMessage, response: ServerResponse) => void) | undefined
  keys: SigningKey[]
  newKey(alg?: Alg, kid?: string): Promise<SigningKey>
  close(): Promise<void>
}

export const audience = 'spoke-of-the-tests'

export async function newKey(alg: Alg = 'ES256', kid: string = randomUUID()): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

export async function startProvider(): Promise<Provider> {
  const keys = [await newKey()]
  let calls = 0
  const server = createServer((request, response) => {
    if (request.url !== '/keys') {
      provider.strays.push(String(request.url))
      return void response.writeHead(404).end()
    }
    calls += 1
    if (provider.answer) return provider.answer(request, response)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ keys: provider.keys.map(({ jwk }) => jwk) }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const provider: Provider = {
    issuer: `http://127.0.0.1:${port}`,
    jwksUrl: `http://127.0.0.1:${port}/keys`,
    calls: () => calls,
    connections: () => promisify(server.getConnections.bind(server))(),
    strays: [],
    answer: undefined,
    keys,
    async newKey(alg, kid) {
      const key = await newKey(alg, kid)
      keys.push(key)
      return key
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return provider
}

export const environmentOf = ({ issuer, jwksUrl }: Provider): Record<string, string> => ({
  SPOKE_JWT_ISSUER: issuer,
  SPOKE_JWT_AUDIENCE: audience,
  SPOKE_JWT_JWKS_URL: jwksUrl,
})

export const now = () => Math.floor(Date.now() / 1_000)

/** Claims that hold, for an hour. */
export const claimsFor = (provider: { issuer: string }, tenantId: string): JWTPayload => ({
  iss: provider.issuer,
  aud: audience,
  sub: 'alice',
  iat: now(),
  exp: now() + 3_600,
  tenant_id: tenantId,
  scope: 'openid read sync manage profile',
})

/** @param header on top of the key's alg and kid; undefined takes a member out */
export async function sign(
  key: SigningKey,
  claims: JWTPayload,
  header: Record<string, unknown> = {},
): Promise<string> {
  const wanted = { alg: key.alg, kid: key.kid, ...header }
  const given = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined))
  return await new SignJWT(claims).setProtectedHeader(given as { alg: string }).sign(key.privateKey)
}
