/** One request of the rehearsal and its answer, as a caller sees it. */
import type { FastifyInstance } from 'fastify'
import type { Database } from '../db/database.ts'
import type { TenantId } from '../db/tenant-id.ts'
import type { Call } from '../hubspot/client/client.ts'
import type { Asked, Ids } from './described.ts'
import { asTenant } from './stand-ins.ts'
import type { World } from './world.ts'

export interface Stage {
  db: Database
  world: World
  server: FastifyInstance
  /** What HubSpot was asked so far. */
  calls: Call[]
  /** Ids of B that A has named so far: an audit log may tell A of them again. */
  mentioned: Set<string>
}

export interface Reply {
  status: number
  /** Headers and body. */
  text: string
  code: string | undefined
}

const withinMs = 10_000

/** @param as absent: without a credential */
export async function ask(stage: Stage, asked: Asked, as: TenantId | undefined): Promise<Reply> {
  const named = `${asked.path} ${JSON.stringify(asked.body) ?? ''}`
  for (const id of Object.values(stage.world.b.ids)) if (named.includes(id)) stage.mentioned.add(id)
  const answer = await stage.server.inject({
    method: asked.method as 'GET',
    url: asked.path,
    headers: { host: 'localhost', ...(as ? asTenant(as) : {}) },
    ...(asked.body === undefined ? {} : { payload: asked.body as object }),
    signal: AbortSignal.timeout(withinMs),
  })
  // These differ from one request to the next, whoever asks.
  const headers = Object.entries(answer.headers).filter(
    ([name]) => !/^(date|request-id|(x-)?ratelimit.*)$/.test(name),
  )
  const text = `${JSON.stringify(Object.fromEntries(headers))}\n${answer.payload}`
  return { status: answer.statusCode, text, code: (parsed(answer.payload) as { code?: string }).code }
}

/** @returns an empty object for what is no JSON object */
export function parsed(text: string): object {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}

/** Without what was sent and what differs in every answer: two that a caller could tell apart are then different. */
export function masked({ status, text }: Reply, sent: Ids): string {
  let plain = `${status} ${text}`
  for (const [name, value] of Object.entries(sent)) plain = plain.replaceAll(value, `:${name}`)
  return plain.replaceAll(/"request_id":"[^"]*"/g, '').replaceAll(/"content-length":"\d+"/g, '')
}

/** Whether the answer holds B's word, or an id of B that A could not know. */
export function holdsOfOther({ world: { b }, mentioned }: Stage, { text }: Reply): boolean {
  const plain = text.toLowerCase()
  const unknown = Object.values(b.ids).filter((id) => id.length >= 16 && !mentioned.has(id))
  // Some ids are words of B themselves; those that A has named may come back.
  let beside = plain
  for (const id of mentioned) if (id.includes(b.word)) beside = beside.replaceAll(id, '')
  return beside.includes(b.word) || unknown.some((id) => plain.includes(id))
}
