// Tickets that nobody has touched: computed from (seed, portal, index) whenever they are read, so a million cost no memory.
import { instant } from '../clock.ts'
import { hash, pick, unit } from '../random.ts'
import type { Owner, Pipeline } from './account-data.ts'
import { customValue, type Definition, nameSeed } from './definitions.ts'
import { contentOf, subjectOf } from './sentences.ts'

// Ids grow with irregular gaps, as HubSpot's do: STRIDE apart plus a jitter below STRIDE.
const STRIDE = 7
const DAY = 86_400_000
const HISTORY = 540 * DAY

export type Generated = {
  count: number
  idAt(index: number): number
  indexOf(id: number): number
  createdAt(index: number): number
  updatedAt(index: number): number
  value(index: number, name: string): string | undefined
  properties(index: number): Record<string, string>
}

export type GeneratedInput = {
  seed: number
  portalId: number
  count: number
  firstId: number
  // The moment before which all of this happened.
  epoch: number
  owners: readonly Owner[]
  pipelines: readonly Pipeline[]
  definitions: ReadonlyMap<string, Definition>
}

const NAMES = [
  'subject',
  'content',
  'hs_pipeline',
  'hs_pipeline_stage',
  'hs_ticket_priority',
  'hs_ticket_category',
  'hubspot_owner_id',
  'source_type',
  'closed_date',
  'time_to_close',
  'first_agent_reply_date',
  'hs_resolution',
  'hs_num_times_contacted',
  'num_notes',
  'hs_object_source',
  'hs_object_source_label',
  'hs_last_message_from_visitor',
] as const

export function createGenerated(input: GeneratedInput): Generated {
  const { portalId, count, firstId, epoch, owners, pipelines, definitions } = input
  const seed = hash(input.seed, portalId)
  const roll = (index: number, what: number) => hash(seed, index, what)
  // Only what existed when the portal was made has generated values; a property added later starts out empty.
  const custom = new Map<string, [Definition, number]>()
  for (const one of definitions.values()) {
    if (!one.hubspotDefined) custom.set(one.name, [one, nameSeed(one.name)])
  }
  const known: ReadonlySet<string> = new Set(NAMES)

  const idAt = (index: number) => firstId + index * STRIDE + (roll(index, 20) % STRIDE)
  const createdAt = (index: number) =>
    Math.floor(epoch - HISTORY + ((index + unit(seed, index, 21)) / count) * HISTORY)

  function updatedAt(index: number): number {
    const born = createdAt(index)
    if (roll(index, 22) % 10 === 0) return born
    return born + Math.floor(unit(seed, index, 23) ** 3 * Math.min(epoch - born, 45 * DAY))
  }

  const sorted = pipelines.map(({ id, stages }) => ({
    id,
    stages,
    closed: stages.filter((stage) => stage.closed),
    open: stages.filter((stage) => !stage.closed),
  }))
  const pipelineOf = (index: number) =>
    roll(index, 24) % 4 === 0 ? pick(sorted, roll(index, 25)) : (sorted[0] as (typeof sorted)[number])

  // Older tickets are mostly closed.
  function stageOf(index: number) {
    const { stages, closed, open } = pipelineOf(index)
    const old = epoch - createdAt(index) > 20 * DAY
    const wantClosed = roll(index, 26) % 10 < (old ? 9 : 3)
    const from = wantClosed && closed.length > 0 ? closed : open.length > 0 ? open : stages
    return pick(from, roll(index, 27))
  }

  function standard(index: number, name: string): string | undefined {
    switch (name) {
      case 'subject':
        return subjectOf(seed, index)
      case 'content':
        return contentOf(seed, index)
      case 'hs_pipeline':
        return pipelineOf(index).id
      case 'hs_pipeline_stage':
        return stageOf(index).id
      case 'hs_ticket_priority':
        return pick(
          [undefined, 'LOW', 'LOW', 'MEDIUM', 'MEDIUM', 'MEDIUM', 'HIGH', 'HIGH', 'URGENT'],
          roll(index, 28),
        )
      case 'hs_ticket_category':
        return pick(
          [
            undefined,
            undefined,
            'PRODUCT_ISSUE',
            'BILLING_ISSUE',
            'GENERAL_INQUIRY',
            'PRODUCT_ISSUE;FEATURE_REQUEST',
          ],
          roll(index, 29),
        )
      case 'hubspot_owner_id':
        return owners.length > 0 && roll(index, 30) % 5 > 0 ? pick(owners, roll(index, 31)).id : undefined
      case 'source_type':
        return pick(['EMAIL', 'EMAIL', 'FORM', 'CHAT', 'PHONE'], roll(index, 32))
      case 'closed_date':
        return stageOf(index).closed ? instant(updatedAt(index)) : undefined
      case 'time_to_close':
        return stageOf(index).closed ? String(updatedAt(index) - createdAt(index)) : undefined
      case 'first_agent_reply_date':
        return roll(index, 33) % 3 > 0
          ? instant(createdAt(index) + Math.floor((updatedAt(index) - createdAt(index)) / 3))
          : undefined
      case 'hs_resolution':
        return stageOf(index).closed
          ? pick(['ISSUE_FIXED', 'HOW_TO', 'NOT_REPRODUCIBLE'], roll(index, 34))
          : undefined
      case 'hs_num_times_contacted':
        return String(roll(index, 35) % 9)
      case 'num_notes':
        return roll(index, 36) % 2 ? String(roll(index, 37) % 20) : undefined
      case 'hs_object_source':
        return 'CRM_UI'
      case 'hs_object_source_label':
        return 'CRM_UI'
      case 'hs_last_message_from_visitor':
        return roll(index, 38) % 2 ? 'true' : 'false'
      default:
        return undefined
    }
  }

  function value(index: number, name: string): string | undefined {
    if (known.has(name)) return standard(index, name)
    const found = custom.get(name)
    return found ? customValue(...found, seed, index, createdAt(index)) : undefined
  }

  return {
    count,
    idAt,
    indexOf(id) {
      const index = Math.floor((id - firstId) / STRIDE)
      return index >= 0 && index < count && idAt(index) === id ? index : -1
    },
    createdAt,
    updatedAt,
    value,
    properties(index) {
      const all: Record<string, string> = {}
      for (const name of NAMES) {
        const one = standard(index, name)
        if (one !== undefined) all[name] = one
      }
      for (const [name, found] of custom) {
        const one = customValue(...found, seed, index, createdAt(index))
        if (one !== undefined) all[name] = one
      }
      return all
    },
  }
}
