/**
 * Which properties HubSpot does not let a token name. One that becomes sensitive is refused with the whole request (403 with a scope),
 * and the answer need not say which one it was.
 */
import type { HubSpot } from './client/client.ts'
import { HubSpotError } from './hubspot-error.ts'
import type { MissingScopes } from './missing-scopes.ts'
import { type CallOptions, listPage, type ObjectPaths } from './objects.ts'

/** So many calls of one ticket each at most: enough to ask for each of thirty properties alone. */
const mostCalls = 60
/** As many names as surely fit into a URL. */
const atOnce = 100

export interface RefusedProperties {
  names: string[]
  /** What HubSpot said is missing, for the first of them. */
  missing: MissingScopes
}

/**
 * Asks for one record with fewer and fewer of the properties: first for those that are no suspects, in one call while HubSpot gives
 * them all. Every property is taken to be refused or given for itself. When the calls run out, suspects that are undecided count as
 * refused; any other property only after HubSpot refused it alone.
 *
 * @param suspects of `kind.properties`: those that the error names, or that are no longer defined, in the order to decide them
 * @returns undefined when HubSpot gives all of them now, or refuses a record without any: then it is no property; and when more
 *   are refused than the calls could tell apart
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

  const refused: string[] = []
  const undecided: string[] = []

  async function decide(names: readonly string[]): Promise<void> {
    if (names.length === 0) return
    if (calls >= mostCalls) {
      undecided.push(...names)
      return
    }
    if (names.length <= atOnce && (await isGiven(names))) return
    if (names.length === 1) {
      refused.push(...names)
      return
    }
    const half = names.length >> 1
    await decide(names.slice(0, half))
    await decide(names.slice(half))
  }

  if (!(await isGiven([]))) return undefined
  const suspected = new Set(suspects)
  await decide(kind.properties.filter((name) => !suspected.has(name)))
  if (undecided.length > 0) return undefined
  await decide(suspects)
  refused.push(...undecided)
  return refused.length === 0
    ? undefined
    : { names: refused, missing: missing ?? { names: [], need: 'unsaid' } }
}
