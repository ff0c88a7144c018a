// The table of paths: which handler serves a method and path, under which scopes and which rate limit.
import type { AccountCall, Call } from './call.ts'
import type { Bucket } from './rates.ts'
import type { Reply } from './reply.ts'

export type OpenRoute = { auth: 'none'; handle: (call: Call) => Reply }
export type AccountRoute = {
  auth: 'bearer'
  bucket: Bucket
  // Any one of these is enough; empty means any valid token.
  scopes: (call: Call) => readonly string[]
  handle: (call: AccountCall) => Reply
}
export type Route = { method: string; pattern: string } & (OpenRoute | AccountRoute)

type Compiled = { route: Route; name: string; regex: RegExp; names: string[] }

export type Match =
  | { kind: 'found'; route: Route; name: string; params: Record<string, string> }
  | { kind: 'method'; name: string; allowed: string[] }
  | { kind: 'none' }

// `{name}` is one segment, `{name:a|b}` one of the words.
export function createRouter(routes: readonly Route[]): (method: string, path: string) => Match {
  const compiled = routes.map(compile)
  return (method, path) => {
    const allowed: string[] = []
    let wrongMethod = ''
    for (const { route, name, regex, names } of compiled) {
      const hit = regex.exec(path)
      if (!hit) continue
      if (route.method !== method) {
        allowed.push(route.method)
        wrongMethod ||= name
        continue
      }
      const params: Record<string, string> = {}
      for (const [i, hole] of names.entries()) params[hole] = decode(hit[i + 1] ?? '')
      return { kind: 'found', route, name, params }
    }
    return allowed.length > 0 ? { kind: 'method', name: wrongMethod, allowed } : { kind: 'none' }
  }
}

function compile(route: Route): Compiled {
  const names: string[] = []
  const source = route.pattern
    .split('/')
    .map((segment) => {
      const hole = /^\{(\w+)(?::(.+))?\}$/.exec(segment)
      if (!hole) return segment.replaceAll('.', '\\.')
      names.push(hole[1] as string)
      return hole[2] ? `(${hole[2]})` : '([^/]+)'
    })
    .join('/')
  const name = route.pattern.replaceAll(/\{(\w+):[^}]+\}/g, '{$1}')
  return { route, name, regex: new RegExp(`^${source}/?$`), names }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
