/**
 * Which properties HubSpot does not let a token name. One that becomes sensitive is refused with the whole request (403 with a scope),
 * and the answer need not say which one it was.
 */

import type { HubSpot } from './client.ts'
import { HubSpotError } from './errors.ts'
import type { MissingScopes } from './missing-scopes.ts'
import { type CallOptions, listPage, type ObjectPaths } from './objects.ts'

/** So many calls of one ticket each at most; what is undecided then is left out with the rest. */
const mostCalls = 40
/** As many names as surely fit into a URL. */
const atOnce = 100

export interface RefusedProperties {
  names: string[]
  /** What HubSpot said is missing, for the first of them. */
  missing: MissingScopes
}

/**
 * Asks for one record with fewer and fewer of the properties, the suspects first. Every property is taken to be refused or given
 * for itself.
 *
 * @param suspects of `kind.properties`: those that the error names, or that are no longer defined
 * @returns undefined when HubSpot gives all of them now, or refuses a record without any: then it is no property
 * @throws HubSpotError when HubSpot cannot be asked
 */
export async function findRefusedProperties(
  hubspot: HubSpot,
  kind: ObjectPaths,
  suspects: readonly string[],
  options: CallOptions,
): Promise<RefusedProperties | undefined> {
  let calls = 0
  let missing: MissingScopes | undefined

  async function isGiven(properties: readonly string[]): Promise<boolean> {
    calls += 1
    try {
      await listPage(hubspot, { ...kind, properties }, { after: undefined, limit: 1 }, options)
      return true
    } catch (error) {
      if (!(error instanceof HubSpotError && error.missing)) throw error
      if (properties.length === 1) missing ??= error.missing
      return false
    }
  }

  async function refusedOf(names: readonly string[]): Promise<string[]> {
    if (names.length === 0) return []
    if (calls >= mostCalls) return [...names]
    if (names.length > atOnce) return await halves(names)
    if (await isGiven(names)) return []
    return names.length === 1 ? [...names] : await halves(names)
  }

  async function halves(names: readonly string[]): Promise<string[]> {
    const half = names.length >> 1
    return [...(await refusedOf(names.slice(0, half))), ...(await refusedOf(names.slice(half)))]
  }

  if (!(await isGiven([]))) return undefined
  const suspected = new Set(suspects)
  const names = await refusedOf(kind.properties.filter((name) => suspected.has(name)))
  names.push(...(await refusedOf(kind.properties.filter((name) => !suspected.has(name)))))
  return names.length === 0 ? undefined : { names, missing: missing ?? { names: [], need: 'unsaid' } }
}
