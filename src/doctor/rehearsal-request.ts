/** Sends one request of the rehearsal, and inspects its response. */
import type { FastifyInstance } from 'fastify'
import type { Database } from '../db/database.ts'
import type { TenantId } from '../db/tenant-id.ts'
import type { HubSpotCall } from '../hubspot/client/client.ts'
import { fakeCredential } from './fakes.ts'
import type { Fixtures } from './fixtures.ts'
import type { Ids, SampleRequest } from './openapi-requests.ts'

export interface RehearsalContext {
  db: Database
  fixtures: Fixtures
  server: FastifyInstance
  /** The calls to HubSpot so far. */
  calls: HubSpotCall[]
  /** Ids of B that A has sent so far: an audit log may return them to A. */
  mentioned: Set<string>
}

export interface RehearsalResponse {
  status: number
  /** Headers and body. */
  text: string
  code: string | undefined
}

const timeoutMs = 10_000

/** @param as absent: without a credential */
export async function sendRehearsalRequest(
  context: RehearsalContext,
  request: SampleRequest,
  as: TenantId | undefined,
): Promise<RehearsalResponse> {
  const named = `${request.path} ${JSON.stringify(request.body) ?? ''}`
  for (const id of Object.values(context.fixtures.b.ids)) if (named.includes(id)) context.mentioned.add(id)
  const answer = await context.server.inject({
    method: request.method as 'GET',
    url: request.path,
    headers: { host: 'localhost', ...(as ? fakeCredential(as) : {}) },
    ...(request.body === undefined ? {} : { payload: request.body as object }),
    signal: AbortSignal.timeout(timeoutMs),
  })
  // These headers differ between any two requests.
  const headers = Object.entries(answer.headers).filter(
    ([name]) => !/^(date|request-id|(x-)?ratelimit.*)$/.test(name),
  )
  const text = `${JSON.stringify(Object.fromEntries(headers))}\n${answer.payload}`
  return { status: answer.statusCode, text, code: (parseObject(answer.payload) as { code?: string }).code }
}

/** @returns an empty object if the text is not a JSON object */
export function parseObject(text: string): object {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}

/**
 * The response without the sent ids and without what always differs. If two masked responses
 * differ, a caller could tell them apart.
 */
export function maskIds({ status, text }: RehearsalResponse, sent: readonly Ids[]): string {
  let plain = `${status} ${text}`
  for (const [name, value] of sent.flatMap((ids) => Object.entries(ids)))
    plain = plain.replaceAll(value, `:${name}`)
  return plain.replaceAll(/"request_id":"[^"]*"/g, '').replaceAll(/"content-length":"\d+"/g, '')
}

/** Whether the response contains B's word, or an id of B that A could not know. */
export function containsOthersData(
  { fixtures: { b }, mentioned }: RehearsalContext,
  { text }: RehearsalResponse,
): boolean {
  const plain = text.toLowerCase()
  const unknown = Object.values(b.ids).filter((id) => id.length >= 16 && !mentioned.has(id))
  // Some ids contain B's word; those that A has sent may be returned.
  let withoutMentioned = plain
  for (const id of mentioned) if (id.includes(b.word)) withoutMentioned = withoutMentioned.replaceAll(id, '')
  return withoutMentioned.includes(b.word) || unknown.some((id) => plain.includes(id))
}
