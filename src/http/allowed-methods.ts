/** Which methods a path takes, where a path without an id is never taken for one with an id. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../lib/errors.ts'

interface KnownRoute {
  method: string
  url: string
  pattern: RegExp
  ids: number
}

export interface AllowedMethods {
  /** The methods of the request's path, sorted; empty: there is no such path. */
  of(request: FastifyRequest): string[]
  /**
   * Whether the router took a name for an id: `GET …/issues/{tenant_id}/read`, where only POST exists, is
   * not the issue with the id `read`.
   */
  isMistaken(request: FastifyRequest): boolean
}

/** Call before adding any route. */
export function createAllowedMethods(app: FastifyInstance): AllowedMethods {
  const known: KnownRoute[] = []
  app.addHook('onRoute', ({ method, url }) => {
    const pattern = new RegExp(`^${url.replaceAll(/:[a-z_]+/g, '[^/]+')}$`)
    const ids = url.split(':').length
    for (const one of [method].flat()) known.push({ method: one, url, pattern, ids })
  })

  function of({ url }: FastifyRequest): string[] {
    const path = url.split('?')[0] as string
    const found = known.filter(({ pattern }) => pattern.test(path))
    const fewest = Math.min(...found.map(({ ids }) => ids))
    return [...new Set(found.filter(({ ids }) => ids === fewest).map(({ method }) => method))].sort()
  }

  /** By a route's URL: whether another one, with fewer ids, has its form. Few have. */
  const ambiguous = new Map<string, boolean>()
  function isAmbiguous(url: string): boolean {
    const own = known.find((one) => one.url === url)
    const found = own && known.some((other) => other.ids < own.ids && own.pattern.test(other.url))
    ambiguous.set(url, found ?? false)
    return found ?? false
  }

  return {
    of,
    isMistaken(request) {
      const { url } = request.routeOptions
      if (url === undefined || !(ambiguous.get(url) ?? isAmbiguous(url))) return false
      return !of(request).includes(request.method)
    },
  }
}

export function methodNotAllowed(reply: FastifyReply, allowed: readonly string[]): AppError {
  reply.header('allow', allowed.join(', '))
  return new AppError('method_not_allowed', 'This path does not support this method')
}
