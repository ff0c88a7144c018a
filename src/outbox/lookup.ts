/** What a name of a tenant's means. */
import { type LookupAddress, Resolver } from 'node:dns'
import type { LookupFunction } from 'node:net'

/**
 * A tenant's name is asked of the name servers alone, and not of the system: there few looks can be under way at once in the whole
 * process, and a name whose servers are silent would hold up HubSpot's.
 */
export function byNameServers(): LookupFunction {
  const resolver = new Resolver({ timeout: 2_000, tries: 2 })
  const ask = (host: string, family: 4 | 6) =>
    new Promise<LookupAddress[]>((resolve, reject) => {
      const answered = (error: Error | null, found: string[]) =>
        error ? reject(error) : resolve(found.map((address) => ({ address, family })))
      if (family === 4) resolver.resolve4(host, answered)
      else resolver.resolve6(host, answered)
    })
  return (host, options, done) => {
    Promise.allSettled([ask(host, 4), ask(host, 6)]).then((asked) => {
      const found = asked.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
      const [first] = found
      if (!first) done((asked[0] as PromiseRejectedResult).reason, [])
      else if (options.all) done(null, found)
      else done(null, first.address, first.family)
    })
  }
}
