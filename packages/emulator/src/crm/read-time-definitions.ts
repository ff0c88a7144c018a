// Which properties HubSpot computes when a record is read: they differ each time, and the time of change does not move.
import type { Quirks } from '../quirks.ts'
import type { Pipeline } from './account-data.ts'
import { type Definition, standardDefinition } from './definitions.ts'

const READ_TIME = 'calculation_read_time'

export const timeInStage = (stage: string): string => `hs_time_in_${stage}`

// As recorded: a number of milliseconds, and not called calculated. One for each stage.
export function readTimeDefinitions(pipelines: readonly Pipeline[], now: number): Definition[] {
  return pipelines
    .flatMap(({ stages }) => stages)
    .map(({ id, label }) => ({
      ...standardDefinition([timeInStage(id), `Time in "${label}"`, 'number', 'r'], now),
      fieldType: READ_TIME,
    }))
}

export const isReadTime = (definition: Definition | undefined): boolean => definition?.fieldType === READ_TIME

// Whether an account has it at all: tickets of 2023 were seen with such properties, those of today not yet. A switch.
export const isDefined = (definition: Definition | undefined, quirks: Readonly<Quirks>): boolean =>
  definition?.archived === false && (quirks.read_time_properties || !isReadTime(definition))
