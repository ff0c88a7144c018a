/** What is read of an account besides the tickets themselves: each part can fail alone, and says so. Pure. */
import type { HubSpotError } from '../hubspot/hubspot-error.ts'
import { scopesCode } from '../hubspot/missing-scopes.ts'

export const partNames = ['properties', 'pipelines', 'owners', 'contacts', 'companies', 'deals'] as const

export type PartName = (typeof partNames)[number]

export interface Part {
  /** unknown: HubSpot was never asked. */
  state: 'ok' | 'degraded' | 'unknown'
  /** A code of ours: `missing_scopes:…`, `forbidden`, `refused`, `hubspot_limit`, `hubspot_unavailable`, `invalid_answer`. */
  problem: string | null
  /** When HubSpot gave it last. */
  at: Date | null
}

export type Parts = Record<PartName, Part>

export interface Refusal {
  problem: string
  /** HubSpot will say the same again until somebody changes something there. */
  lasting: boolean
}

/** HubSpot's answer cannot be read as a whole: a shape of its own, a cursor that does not move, records left out. */
export const invalidAnswer: Refusal = { problem: 'invalid_answer', lasting: false }

/** Problems that need nobody to change anything. */
export const passing: readonly string[] = ['hubspot_limit', 'hubspot_unavailable', invalidAnswer.problem]

/** Whether HubSpot will refuse the part again, as it said last. */
export const isLasting = (problem: string): boolean => !passing.includes(problem)

/**
 * Why a part could not be read.
 *
 * @returns undefined when the token itself is at fault, which is not the part's matter
 */
export function refusalOf(error: HubSpotError): Refusal | undefined {
  switch (error.kind) {
    case 'forbidden':
      return { problem: error.missing ? scopesCode(error.missing) : 'forbidden', lasting: true }
    case 'rejected':
    case 'not_found':
      return { problem: 'refused', lasting: true }
    case 'rate_limited':
      return { problem: 'hubspot_limit', lasting: false }
    case 'unavailable':
    case 'timeout':
    case 'too_large':
      return { problem: 'hubspot_unavailable', lasting: false }
    case 'invalid':
      return invalidAnswer
    default:
      return undefined
  }
}
