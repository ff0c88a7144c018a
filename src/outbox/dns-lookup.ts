/** Resolves the host names of tenants' endpoints. */
import { type LookupAddress, Resolver } from 'node:dns'
import type { LookupFunction } from 'node:net'

/**
 * Queries the name servers directly instead of the system resolver. The system resolver allows few
 * concurrent lookups per process, so a name whose servers do not respond would delay HubSpot's.
 */
export function createDnsLookup(): LookupFunction {
  const resolver = new Resolver({ timeout: 2_000, tries: 2 })
  const query = (host: string, family: 4 | 6) =>
    new Promise<LookupAddress[]>((resolve, reject) => {
      const answered = (error: Error | null, found: string[]) =>
        error ? reject(error) : resolve(found.map((address) => ({ address, family })))
      if (family === 4) resolver.resolve4(host, answered)
      else resolver.resolve6(host, answered)
    })
  return (host, options, done) => {
    Promise.allSettled([query(host, 4), query(host, 6)]).then((asked) => {
      const found = asked.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
      const [first] = found
      if (!first) done((asked[0] as PromiseRejectedResult).reason, [])
      else if (options.all) done(null, found)
      else done(null, first.address, first.family)
    })
  }
}
