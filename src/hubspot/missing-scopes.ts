/** Extracts the scopes that HubSpot says a token lacks: only what HubSpot named. */

export interface MissingScopes {
  /** Empty when HubSpot did not name any. */
  names: readonly string[]
  /** all: every scope is needed. any: one of them is enough. unsaid: HubSpot did not say which. */
  need: 'all' | 'any' | 'unsaid'
}

/** Per response; external input is bounded. */
const maxNames = 20

/**
 * HubSpot lists them at the top level, in `context` or in `errors[].context`, as `requiredScopes`,
 * `requiredGranularScopes` or `missingScopes`. About two in five such responses name none ("not for
 * public use"). Only the accompanying sentence says whether all of them are needed.
 *
 * @param fields the body of a 403
 */
export function readMissingScopes(fields: Record<string, unknown>): MissingScopes {
  const errors = Array.isArray(fields.errors) ? fields.errors.slice(0, 100) : []
  const groups = [fields, ...errors].map(readGroup).filter(({ names }) => names.length > 0)
  const names = [...new Set(groups.flatMap((group) => group.names))].slice(0, maxNames)
  // Several errors are several requirements: they combine to "all" only if none of them offers a
  // choice.
  const needs = new Set(groups.map(({ names: some, need }) => (some.length === 1 ? 'all' : need)))
  const [need = 'unsaid'] = needs
  return { names, need: needs.size === 1 ? need : 'unsaid' }
}

function readGroup(part: unknown): MissingScopes {
  const { message, context, ...top } = objectOf(part)
  const places = [top, objectOf(context)]
  const under = (name: string) => places.flatMap((place) => namesIn(place[name]))
  const [required, granular] = [under('requiredScopes'), under('requiredGranularScopes')]
  const names = [...new Set([...required, ...granular, ...under('missingScopes')])]
  // The older and the newer name of the same permission: either is enough.
  if (required.length > 0 && granular.length > 0) return { names, need: 'any' }
  const sentence = typeof message === 'string' ? message.slice(0, 1_000) : ''
  if (/\b(one or more|any|at least one|one) of\b/i.test(sentence)) return { names, need: 'any' }
  return { names, need: /\ball of\b/i.test(sentence) ? 'all' : 'unsaid' }
}

const objectOf = (value: unknown) =>
  (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>

/** The format of HubSpot's scope names; anything else in their place could be a token or text. */
const namesIn = (value: unknown): string[] =>
  (Array.isArray(value) ? value.slice(0, maxNames) : []).filter(
    (name): name is string => typeof name === 'string' && /^[a-z][a-z0-9_.-]{0,79}$/i.test(name),
  )

/**
 * The code for a row: `missing_scopes`, followed by the names, separated by commas, or by `|` where
 * one of them is enough.
 */
export const scopesCode = ({ names, need }: MissingScopes): string =>
  ['missing_scopes', ...(names.length > 0 ? [names.join(need === 'any' ? '|' : ',')] : [])]
    .join(':')
    .slice(0, 300)

/**
 * Parses such a code; undefined for any other. The code does not record whether all of several
 * names are needed.
 */
export function readScopesCode(code: string | null): MissingScopes | undefined {
  const [kind, list] = (code ?? '').split(':')
  if (kind !== 'missing_scopes') return undefined
  return { names: list?.split(/[|,]/) ?? [], need: list?.includes('|') ? 'any' : 'unsaid' }
}

/** For a person. */
export function scopesSentence({ names, need }: MissingScopes): string {
  if (names.length === 0) return 'The token lacks a scope that HubSpot does not name'
  const list = names.join(', ')
  if (names.length === 1) return `The token lacks the scope ${list}`
  if (need === 'any') return `The token lacks one of the scopes ${list}`
  if (need === 'all') return `The token lacks one or more of the scopes ${list}, all of which are needed`
  return `The token lacks scopes; HubSpot names ${list}`
}
