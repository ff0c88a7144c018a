// One request as the handlers see it, and the strict readers of its query and body.
import type { Portal } from '../portals.ts'
import type { Access } from '../token-types.ts'
import type { World } from '../world.ts'
import { invalid, refuse } from './reply.ts'

export type Call = {
  world: World
  method: string
  path: string
  params: Record<string, string>
  query: URLSearchParams
  urlLength: number
  headers: Record<string, string | string[] | undefined>
  body: Buffer
  correlationId: string
}

// A call whose bearer token was accepted.
export type AccountCall = Call & { access: Access; portal: Portal }

export function bearer(headers: Call['headers']): string | null {
  const header = headers.authorization
  const found = typeof header === 'string' ? /^Bearer +(.+)$/i.exec(header.trim()) : null
  return found ? (found[1] as string) : null
}

// HubSpot reads lists both as repeated parameters and as one with commas.
export function listParam(query: URLSearchParams, name: string): string[] {
  return query
    .getAll(name)
    .flatMap((value) => value.split(','))
    .map((value) => value.trim())
    .filter((value) => value !== '')
}

export function booleanParam(query: URLSearchParams, name: string): boolean {
  const value = query.get(name)
  if (value === null || value === '') return false
  if (value.toLowerCase() === 'true') return true
  if (value.toLowerCase() === 'false') return false
  return invalid(`Invalid boolean '${value}' for query parameter '${name}'`, {
    context: { [name]: [value] },
  })
}

/** A number of a body, also when it is written as text; NaN for anything else. */
export function numberIn(value: unknown): number {
  return typeof value === 'number' || typeof value === 'string' ? Number(value) : Number.NaN
}

// The exact wording of these two is not documented.
export function limitParam(query: URLSearchParams, standard: number, max: number): number {
  const value = query.get('limit')
  if (value === null || value === '') return standard
  if (!/^-?\d{1,9}$/.test(value)) {
    return invalid(`Invalid integer '${value}' for query parameter 'limit'`, { context: { limit: [value] } })
  }
  const limit = Number(value)
  if (limit < 1 || limit > max) {
    return invalid(`Invalid limit ${limit}: it must be between 1 and ${max}`, {
      context: { limit: [value] },
    })
  }
  return limit
}

export function jsonBody(call: Call): Record<string, unknown> {
  const type = call.headers['content-type']
  if (typeof type === 'string' && !/[/+]json\b/i.test(type)) refuse(415, 'HTTP 415 Unsupported Media Type')
  const text = call.body.toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    const [line, column] = whereJsonBroke(text, error)
    return refuse(
      400,
      `Invalid input JSON on line ${line}, column ${column}: Unexpected character or end of input`,
    )
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse(400, 'Invalid input JSON on line 1, column 1: Cannot deserialize value of this type')
  }
  return value as Record<string, unknown>
}

function whereJsonBroke(text: string, error: unknown): [number, number] {
  const found = /position (\d+)/.exec(String(error))
  const before = text.slice(0, found ? Number(found[1]) : text.length).split('\n')
  return [before.length, (before.at(-1)?.length ?? 0) + 1]
}

export function missingFields(...names: string[]): never {
  return invalid(
    `Invalid input JSON on line 1, column 2. Some required fields were not set: [${names.join(', ')}]`,
  )
}

/** Refuses more inputs than a batch may have. In these words, and without a context, wherever it was recorded. */
export function tooMany(inputs: readonly unknown[], most: number): void {
  if (inputs.length > most)
    invalid(
      `The maximum number of inputs supported in a batch is ${most}. Please reduce the number of items and try again`,
    )
}
