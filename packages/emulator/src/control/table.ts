// What a control act is given, and the small readers that the acts share.
import type { World } from '../world.ts'

export type Input = Record<string, unknown>
export type Request = { world: World; params: string[]; query: URLSearchParams; body: Input }
export type Act = (request: Request) => unknown

export const portalId = ({ params }: Request) => Number(params[0])
export const numberOf = (text: string | null) => (text === null || text === '' ? undefined : Number(text))

// `:` in the path stands for one segment. What an act returns, now or later, is the JSON answer; what it throws is a 400 with its message.
export type Row = readonly [method: string, path: string, act: Act]

export function missing(what: string): never {
  throw new Error(`there is no such ${what}`)
}

export function words(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : []
}
