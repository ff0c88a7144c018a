// A HubSpot account: who it is, its plan, its definitions, and its tickets with the index over them.
import type { Clock } from './clock.ts'
import { makeOwners, makePipelines, type NewPipeline, type Owner, type Pipeline } from './crm/account-data.ts'
import type { Associated } from './crm/association-types.ts'
import { type Associations, createAssociations } from './crm/associations.ts'
import type { ChangeEmitter } from './crm/change-events.ts'
import { type Columns, createColumns } from './crm/columns.ts'
import { type Cursors, createCursors } from './crm/cursors.ts'
import { customDefinitions, type Definition, standardDefinitions } from './crm/definitions.ts'
import { createGenerated } from './crm/generated.ts'
import { readTimeDefinitions } from './crm/read-time-definitions.ts'
import { createSearchIndex, type SearchIndex } from './crm/search-index.ts'
import { createTickets, type Tickets } from './crm/tickets.ts'
import type { Quirks } from './quirks.ts'
import { hash } from './random.ts'

// Before it lies the history of every account.
const EPOCH = Date.UTC(2026, 0, 1)

export type Plan = 'starter' | 'professional' | 'enterprise'

export type NewPortal = {
  portal_id?: number
  name?: string
  hub_domain?: string | null
  time_zone?: string
  plan?: Plan
  hublet?: string
  account_type?: 'STANDARD' | 'DEVELOPER_TEST' | 'SANDBOX' | 'APP_DEVELOPER'
  currency?: string
  tickets?: number
  first_ticket_id?: number
  custom_properties?: number
  owners?: number
  archived_owners?: number
  associations?: Partial<Record<Associated, number>>
  pipelines?: number | NewPipeline[]
  user_id?: number
  user?: string
}

export type Portal = {
  portal_id: number
  name: string
  hub_domain: string | null
  time_zone: string
  plan: Plan
  hublet: string
  ui_domain: string
  account_type: string
  currency: string
  user_id: number
  user: string
  deleted: boolean
  removed_scopes: Set<string>
  owners: Owner[]
  pipelines: Pipeline[]
  closedStages: Set<string>
  definitions: Map<string, Definition>
  definitionsVersion: number
  // All names in order, made again when the definitions have changed.
  definitionNames(): readonly string[]
  quirks: Readonly<Quirks>
  now(): number
  emitter: ChangeEmitter
  tickets: Tickets
  associations: Associations
  cursors: Cursors
  // Calls of other apps that every window is taken to hold already.
  traffic: { calls: number; searches: number }
  index: SearchIndex
  searches: Map<string, unknown>
  columns(): Columns
}

export function createPortal(
  input: NewPortal,
  place: number,
  seed: number,
  clock: Clock,
  quirks: Quirks,
  emitter: ChangeEmitter,
): Portal {
  // What was there before is of the same dates after a restart, and not of the future.
  const now = Math.min(EPOCH, clock.now())
  const portal_id = input.portal_id ?? 25_000_000 + place * 137 + (hash(seed, place) % 100)
  const hublet = input.hublet ?? 'na1'
  const name = input.name ?? `Company ${portal_id}`
  const born = now - 700 * 86_400_000
  const owners = makeOwners(input.owners ?? 6, input.archived_owners, seed, portal_id, now)
  const pipelines = makePipelines(input.pipelines, portal_id, now)
  const definitions = new Map<string, Definition>()
  for (const one of standardDefinitions(born)) definitions.set(one.name, one)
  for (const one of readTimeDefinitions(pipelines, born)) definitions.set(one.name, one)
  for (const one of customDefinitions(input.custom_properties ?? 3, born)) definitions.set(one.name, one)
  let names: { version: number; list: string[] } | null = null
  // Options of these three come from the account itself.
  fillOptions(definitions, 'hs_pipeline', pipelines)
  fillOptions(
    definitions,
    'hs_pipeline_stage',
    pipelines.flatMap((one) => one.stages),
  )
  const firstId = input.first_ticket_id ?? 300_000_000_000 + (hash(seed, portal_id) % 5000) * 20_000_000
  const generated = createGenerated({
    seed,
    portalId: portal_id,
    count: input.tickets ?? 0,
    firstId,
    epoch: now,
    owners,
    pipelines,
    definitions,
  })
  const tickets = createTickets(generated, seed, firstId)
  return {
    portal_id,
    name,
    hub_domain:
      input.hub_domain === undefined
        ? `${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.example.com`
        : input.hub_domain,
    time_zone: input.time_zone ?? 'US/Eastern',
    plan: input.plan ?? 'professional',
    hublet,
    ui_domain: hublet === 'na1' ? 'app.hubspot.com' : `app-${hublet}.hubspot.com`,
    account_type: input.account_type ?? 'STANDARD',
    currency: input.currency ?? 'USD',
    user_id: input.user_id ?? 9_000_000 + (portal_id % 9973) * 100,
    user: input.user ?? owners[0]?.email ?? `admin@example-${portal_id}.com`,
    deleted: false,
    removed_scopes: new Set(),
    owners,
    pipelines,
    closedStages: new Set(
      pipelines.flatMap((one) => one.stages.filter((stage) => stage.closed).map((stage) => stage.id)),
    ),
    definitions,
    definitionsVersion: 0,
    definitionNames() {
      if (names?.version !== this.definitionsVersion)
        names = { version: this.definitionsVersion, list: [...definitions.keys()].sort() }
      return names.list
    },
    quirks,
    now: () => clock.now(),
    emitter,
    tickets,
    associations: createAssociations(generated, hash(seed, portal_id, 78), input.associations ?? {}),
    cursors: createCursors(quirks),
    traffic: { calls: 0, searches: 0 },
    index: createSearchIndex(tickets, clock, quirks, hash(seed, portal_id, 77)),
    searches: new Map(),
    columns: createColumns(generated),
  }
}

// A copy, because the standard definitions are shared by all portals.
export function fillOptions(
  definitions: Map<string, Definition>,
  name: string,
  from: readonly { id: string; label: string }[],
): void {
  const definition = definitions.get(name)
  if (!definition) return
  const options = from.map(({ id, label }, displayOrder) => ({
    label,
    value: id,
    displayOrder,
    hidden: false,
  }))
  definitions.set(name, { ...definition, options })
}
