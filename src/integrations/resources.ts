/**
 * The resources read from an account besides its tickets; each can fail alone and reports it. Pure.
 */
import type { HubSpotError } from '../hubspot/hubspot-error.ts'
import { scopesCode } from '../hubspot/missing-scopes.ts'

export const resourceNames = ['properties', 'pipelines', 'owners', 'contacts', 'companies', 'deals'] as const

export type ResourceName = (typeof resourceNames)[number]

export interface Resource {
  /** unknown: never requested from HubSpot. */
  state: 'ok' | 'degraded' | 'unknown'
  /**
   * One of our codes: `missing_scopes:…`, `forbidden`, `refused`, `hubspot_limit`,
   * `hubspot_unavailable`, `invalid_answer`.
   */
  problem: string | null
  /** When HubSpot last returned it. */
  read_at: Date | null
}

export type Resources = Record<ResourceName, Resource>

export interface ResourceRefusal {
  problem: string
  /** HubSpot will refuse again until a person changes something there. */
  lasting: boolean
}

/**
 * HubSpot's response is not usable as a whole: an unexpected shape, a cursor that does not advance,
 * missing records.
 */
export const invalidAnswer: ResourceRefusal = { problem: 'invalid_answer', lasting: false }

/** Temporary problems, which end without anyone changing anything. */
export const temporaryProblems: readonly string[] = [
  'hubspot_limit',
  'hubspot_unavailable',
  invalidAnswer.problem,
]

/** Whether HubSpot will refuse the resource again. */
export const isLastingProblem = (problem: string): boolean => !temporaryProblems.includes(problem)

/**
 * Returns why a resource could not be read.
 *
 * @returns undefined when the failure does not concern the resource, such as a refused token
 */
export function resourceRefusal(error: HubSpotError): ResourceRefusal | undefined {
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
