/**
 * Finds the properties that HubSpot refuses to a token. A property that becomes sensitive makes
 * HubSpot refuse the whole request (403 with a scope), and the response may not say which property
 * it was.
 */
import type { HubSpot } from './client/client.ts'
import { HubSpotError } from './hubspot-error.ts'
import type { MissingScopes } from './missing-scopes.ts'
import { type CallOptions, listPage, type ObjectPaths } from './objects.ts'

/** At most this many calls, each for one ticket: enough to test each of thirty properties alone. */
const maxCalls = 60
/** This many names always fit into a URL. */
const namesPerCall = 100

export interface RefusedProperties {
  names: string[]
  /** What HubSpot said is missing, for the first refused property. */
  missing: MissingScopes
}

/**
 * Requests one record with ever smaller sets of properties, first with those that are not suspects,
 * which takes one call if HubSpot returns them all. Assumes that each property is refused or
 * returned independently of the others. When the calls run out, undecided suspects count as
 * refused; any other property counts as refused only after HubSpot refused it alone.
 *
 * @param suspects of `kind.properties`: those that the error names, or that are no longer defined,
 *   in the order to decide them
 * @returns undefined when HubSpot returns all of them now; when it refuses a record without any, so
 *   that no property is the cause; and when more are refused than the calls could tell apart
 * @throws HubSpotError when HubSpot cannot be reached
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
    if (calls >= maxCalls) {
      undecided.push(...names)
      return
    }
    if (names.length <= namesPerCall && (await isGiven(names))) return
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
