// Properties that an account has marked sensitive: whoever names one without its scope is refused the whole request.
import type { AccountCall } from '../http/call.ts'
import { missingScopes, problem, Refusal } from '../http/reply.ts'
import type { Definition, Sensitivity } from './definitions.ts'

const SCOPE: Record<Sensitivity, string | null> = {
  non_sensitive: null,
  sensitive: 'tickets.sensitive.v2',
  highly_sensitive: 'tickets.highly_sensitive.v2',
}

export const sensitivityOf = ({ sensitivity = 'non_sensitive' }: Definition): Sensitivity => sensitivity

// The undated versions leave such values out without a word. How a dated one words its refusal is not documented: a switch.
export function readableNames(call: AccountCall, names: readonly string[]): string[] {
  const { portal, world, access, params } = call
  const held = world.tokens.effectiveScopes(access, portal)
  const lacking = (name: string) => {
    const definition = portal.definitions.get(name)
    const scope = definition && SCOPE[sensitivityOf(definition)]
    return scope && !held.includes(scope) ? scope : null
  }
  const refused = names.filter((name) => lacking(name) !== null)
  const [first] = refused
  if (first !== undefined && params.version !== undefined) {
    const scope = lacking(first) as string
    const form = world.quirks.sensitive_refusal
    throw new Refusal(
      form === 'property'
        ? problem(403, `You do not have access to the property ${first}, which holds sensitive data.`, {
            category: 'MISSING_SCOPES',
          })
        : missingScopes([scope], form),
    )
  }
  return names.filter((name) => !refused.includes(name))
}
