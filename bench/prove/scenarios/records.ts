/**
 * What a ticket holds: odd values, broken records, many properties, names, associations.
 * Longer than most files because it is a list, each entry of which reads alone.
 */
import { listCalls, type Scenario, type ScenarioContext } from '../scenario.ts'

const scopes = ['oauth', 'tickets', 'crm.objects.owners.read']
const partners = ['contacts', 'companies', 'deals'] as const
const allScopes = [...scopes, ...partners.map((what) => `crm.objects.${what}.read`)]

export const recordScenarios: readonly Scenario[] = [
  {
    name: 'NUL, half a character, a megabyte: the page is still stored',
    source: 'H8; Postgres refuses NUL in text and in jsonb',
    ideal: { requests: 4, how: '3 list pages of live tickets, 1 of archived ones' },
    async script(context) {
      const [nul, half, huge] = await context.someIds(3)
      await context.edit({ ids: [nul], properties: { subject: 'a\0b', content: '\0' } })
      await context.edit({ ids: [half], properties: { subject: 'half \ud83d of it', content: '\udc00 too' } })
      await context.edit({ ids: [huge], properties: { content: 'x'.repeat(1_000_000) } })
      // A sync may store a megabyte or not; if it does not, it must report that.
      context.exempt([String(huge)])
      const report = await context.full()
      const row = (await context.sut.rows()).find((one) => one.id === huge)
      const whole = String(row?.properties.content ?? '').length === 1_000_000
      const reported = report.failed > 0 || Number(report.event.repaired) > 2
      context.check('the megabyte is stored whole, or the run reports that it is not', whole || reported)
      await context.later()
      await context.edit({ ids: [half], properties: { content: 'now it is \0 fine' } })
      await context.later()
      await context.incremental()
    },
  },
  {
    name: 'a page longer than 8 MiB is read in shorter ones',
    source: 'H8: a hundred long tickets wedge a sync that caps its answers',
    portal: { tickets: 150 },
    ideal: { requests: 3, how: '2 list pages of live tickets, 1 of archived ones' },
    async script(context) {
      const ids = await context.someIds(100)
      // 50 MB in one answer.
      for (const id of ids.slice(0, 50))
        await context.edit({
          ids: [id],
          properties: { content: 'x'.repeat(500_000), subject: 'y'.repeat(500_000) },
        })
      context.exempt(ids.slice(0, 50).map(String))
      const report = await context.full(60)
      context.check(`all are there (${report.event.done})`, report.event.done === 150)
      context.check(`it was cut and reported (${report.event.repaired})`, Number(report.event.repaired) >= 50)
    },
  },
  {
    name: 'records without id or time: the other 98 of 100',
    source: 'H8',
    ideal: { requests: 4, how: '3 list pages of live tickets, 1 of archived ones' },
    async script(context) {
      const page = await brokenPage(context)
      const [noId, noTime] = [page.results[10], page.results[20]]
      context.exempt([noId.id, noTime.id])
      delete noId.id
      Object.assign(noTime, {
        updatedAt: null,
        properties: { ...noTime.properties, hs_lastmodifieddate: null },
      })
      page.results[30].somethingNew = { unheard: ['of'] }
      await context.fault({ kind: 'status', status: 200, body: page, match: listCalls })
      const report = await context.full()
      context.check(`the run reports how many it could not store (${report.failed})`, report.failed >= 1)
      context.check(`it ends as partial (${report.state})`, report.state === 'partial')
    },
  },
  {
    name: '600 properties, and no URL too long',
    source: 'HubSpot’s edge answers 414 above some 16,000 characters',
    portal: { tickets: 300, custom_properties: 600 },
    everyProperty: true,
    ideal: { requests: 7, how: '3 list pages of live tickets, 1 of archived ones, 3 reads of 100 by id' },
    async script(context) {
      await context.full()
      await context.later(1_800)
      await context.edit({ count: 50 })
      await context.later()
      await context.incremental()
      const refused = context.calls().filter((one) => one.status === 414).length
      context.check(`no 414 (${refused})`, refused === 0)
    },
  },
  {
    name: 'every property of the account, not a list of twenty',
    source: 'Nango, Airbyte: custom properties are missing until somebody adds them',
    portal: { tickets: 200, custom_properties: 5 },
    everyProperty: true,
    ideal: { requests: 3, how: '2 list pages of live tickets, 1 of archived ones' },
    async script(context) {
      const ids = await context.someIds(5)
      await context.control('POST', `/portals/${context.portal}/properties`, { name: 'serial_number' })
      await context.edit({ ids, properties: { serial_number: 'SN-1' } })
      await context.full()
    },
  },
  {
    name: 'a property is added, filled, and another deleted',
    source: 'H26',
    portal: { tickets: 200, custom_properties: 3 },
    everyProperty: true,
    ideal: { requests: 4, how: '1 search; then 2 list pages of live tickets, 1 of archived ones' },
    async script(context) {
      await context.full()
      const { custom_properties } = await context.control('GET', `/portals/${context.portal}`)
      await context.control('POST', `/portals/${context.portal}/properties`, { name: 'serial_number' })
      await context.control('DELETE', `/portals/${context.portal}/properties/${custom_properties[0]}`)
      await context.edit({ count: 10, properties: { serial_number: 'SN-1' } })
      await context.later()
      await context.incremental()
      // The list of properties is read again within the hour.
      await context.passHours(2)
      await context.edit({ count: 10, properties: { serial_number: 'SN-2' } })
      await context.later()
      context.count()
      await context.incremental()
      await context.full()
    },
  },
  {
    name: 'an optional scope is missing: that resource only, and it is reported',
    source: 'H27, of a scope that tickets do not need',
    scopes: ['oauth', 'tickets'],
    portal: { tickets: 200, associations: { contacts: 2, companies: 1, deals: 1 } },
    ideal: { requests: 3, how: '2 list pages of live tickets, 1 of archived ones' },
    async script(context) {
      const report = await context.full()
      context.check(`the run succeeds (${report.state})`, report.state === 'succeeded')
      if (!context.spoke) return
      const status = await context.spoke.tenant.status()
      const unnamed = context.emulator.world.quirks.missing_scopes === 'unnamed'
      const resources = (status.resources ?? {}) as Record<string, { state: string; problem: string | null }>
      for (const resource of ['owners', ...partners]) {
        const { state, problem } = resources[resource] ?? { state: 'not shown', problem: null }
        // What HubSpot does not name is not guessed.
        const right = unnamed
          ? problem === 'missing_scopes'
          : `${problem}`.includes(`crm.objects.${resource}.read`)
        context.check(
          `${resource} is degraded for its scope (${state}, ${problem})`,
          state === 'degraded' && right,
        )
      }
      context.check(`connected all the same`, status.connected === true)
      context.check(
        `properties are fine (${resources.properties?.state})`,
        resources.properties?.state === 'ok',
      )
    },
  },
  {
    name: 'associations with contacts, companies, deals, and their labels',
    source: 'all of a ticket',
    scopes: allScopes,
    portal: { tickets: 300, associations: { contacts: 2, companies: 1, deals: 1 } },
    ideal: {
      requests: 7,
      how: '3 list pages of live tickets, 1 of archived ones, 1 read for each of 3 types',
    },
    withoutNaive: 'it reads none',
    async script(context) {
      const { control, portal } = context
      await context.full()
      const ids = await context.someIds(300)
      await sameAssociations(context, ids)
      await context.later(1_800)
      const types = [{ category: 'USER_DEFINED', typeId: 901, label: 'Reported by' }]
      const [changed] = ids
      const added = { ticket_id: changed, to: 'contacts', to_id: '90000001', types }
      await control('POST', `/portals/${portal}/associations`, added)
      await context.edit({ ids: [changed] })
      await context.later()
      await context.incremental()
      await sameAssociations(context, ids.slice(0, 50))
    },
  },
  {
    name: 'names of pipelines, stages and owners, also of archived owners',
    source: 'all of a ticket',
    scopes: allScopes,
    portal: { tickets: 300, owners: 8, archived_owners: 3, pipelines: 3 },
    ideal: { requests: 4, how: '3 list pages of live tickets, 1 of archived ones' },
    withoutNaive: 'it reads none',
    async script(context) {
      await context.full()
      await sameNames(context)
    },
  },
]

/** The first page of the list as HubSpot would give it with all properties, to be broken. */
async function brokenPage({ hubspot, control, portal }: ScenarioContext) {
  const { results } = await control('GET', `/portals/${portal}/truth?limit=100`)
  const { paging } = await hubspot('GET', '/crm/objects/2026-09/tickets?limit=100')
  for (const record of results) {
    delete record.mergedInto
    delete record.archivedAt
  }
  return { results, paging }
}

export async function sameAssociations(context: ScenarioContext, ids: readonly string[]): Promise<void> {
  const { tenant } = context.spoke as NonNullable<ScenarioContext['spoke']>
  const kept = new Map((await tenant.issues()).map((one) => [one.ticket_id, one.associations]))
  for (const type of partners) {
    const { results } = await context.hubspot('POST', `/crm/v4/associations/tickets/${type}/batch/read`, {
      inputs: ids.map((id) => ({ id })),
    })
    const truth = new Map<string, string>()
    for (const { from, to } of results) {
      const partnersOf = to.map((one: { toObjectId: string; associationTypes: Label[] }) =>
        shown(String(one.toObjectId), one.associationTypes),
      )
      truth.set(from.id, partnersOf.sort().join(' '))
    }
    const wrong = ids.filter((id) => {
      const here = (kept.get(id) as Record<string, OurPartner[]> | null)?.[type] ?? []
      const text = here
        .map(({ id: to, labels }) =>
          shown(
            to,
            labels.map(({ type_id, ...rest }) => ({ ...rest, typeId: type_id })),
          ),
        )
        .sort()
      return text.join(' ') !== (truth.get(id) ?? '')
    })
    context.check(`${type}: at least one ticket has some`, truth.size > 0)
    const [first = ''] = wrong
    const example = `${first} has ${JSON.stringify(kept.get(first))} and not ${truth.get(first)}`
    context.check(`${type} of ${wrong.length} tickets are wrong, first ${example}`, wrong.length === 0)
  }
}

interface Label {
  category: string
  typeId: number
  label: string | null
}

interface OurPartner {
  id: string
  labels: { category: string; type_id: number; label: string | null }[]
}

const shown = (id: string, labels: Label[]) =>
  `${id}[${labels
    .map((one) => `${one.category}/${one.typeId}/${one.label ?? ''}`)
    .sort()
    .join(',')}]`

async function sameNames(context: ScenarioContext): Promise<void> {
  const { tenant } = context.spoke as NonNullable<ScenarioContext['spoke']>
  const pipelines = (await context.hubspot('GET', '/crm/pipelines/2026-03/tickets')).results
  const owners = new Map<string, string>()
  for (const archived of [false, true]) {
    const path = `/crm/owners/2026-03?limit=100&archived=${archived}`
    for (const one of (await context.hubspot('GET', path)).results)
      owners.set(String(one.id), `${one.firstName ?? ''} ${one.lastName ?? ''}`.trim() || one.email)
  }
  const issues = await tenant.issues()
  const wrong = issues.filter((issue) => {
    const pipeline = pipelines.find((one: { id: string }) => one.id === issue.pipeline_id)
    const stage = pipeline?.stages.find((one: { id: string }) => one.id === issue.stage_id)
    return (
      (issue.pipeline_name ?? null) !== (pipeline?.label ?? null) ||
      (issue.stage_name ?? null) !== (stage?.label ?? null) ||
      (issue.owner_name ?? null) !== (issue.owner_id ? (owners.get(String(issue.owner_id)) ?? null) : null)
    )
  })
  const [first] = wrong
  const example =
    first && [first.pipeline_name, first.stage_name, first.owner_id, first.owner_name].join(' | ')
  context.check(`names of ${wrong.length} issues are wrong, first: ${example}`, wrong.length === 0)
  context.check(
    'some tickets have owners',
    issues.some((one) => one.owner_id),
  )
}
