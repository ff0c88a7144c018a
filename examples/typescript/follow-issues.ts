/**
 * Keeps a copy of a tenant's issues: connects a HubSpot account, reads all issues, follows their changes, and asks a
 * question. Node 24 runs it as it is:
 *
 *   HUBSPOT_TOKEN=pat-... node examples/typescript/follow-issues.ts [how many changes to follow; 3]
 *
 * SPOKE_URL is http://localhost:8000 unless set, SPOKE_TENANT a new tenant's UUID, SPOKE_ADMIN_KEY the admin key where
 * Spoke has one. Spoke must be running: `npm start`, or `npm run demo` for one with a HubSpot of its own.
 */
// In a program of your own: from '@spoke/sdk'.
import {
  type Change,
  createSpoke,
  type Issue,
  SpokeError,
  type SpokeTenant,
} from '../../packages/sdk/src/spoke.ts'

type Properties = Record<string, unknown>
/** Yours would be a table: store the cursor of a change in the transaction that applies it. */
const copy = new Map<string, Properties>()

async function connect(tenant: SpokeTenant, accessToken: string): Promise<void> {
  const { integration_id, hub_id } = await tenant.integrations.connect({ access_token: accessToken })
  console.log(`connected: tenant ${tenant.id}, integration ${integration_id}, account ${hub_id}`)
  const [run] = (await tenant.sync.list(integration_id)).events
  if (!run) return
  for await (const { state, done, total } of tenant.sync.follow(integration_id, run.sync_event_id))
    console.log(`sync: ${state}, ${done} of ${total}`)
}

/** @returns where the feed continues: what changes while the issues are read comes again, and none is missed */
async function readAll(tenant: SpokeTenant): Promise<string> {
  const { next_after } = await tenant.changes.list({ after: 'now' })
  for await (const { issue_id, properties } of tenant.issues.all({ limit: 200, archived: false }))
    copy.set(issue_id, properties)
  console.log(`copied: ${copy.size} issues`)
  return next_after
}

async function follow(tenant: SpokeTenant, after: string, atMost: number): Promise<void> {
  let seen = 0
  for await (const change of tenant.changes.stream({ after })) {
    if (!change.issue_id) continue
    await apply(tenant, change, change.issue_id)
    console.log(`change: ${change.type} of ticket ${change.ticket_id}, ${names(change)}`)
    if (++seen === atMost) return
  }
}

async function apply(tenant: SpokeTenant, { type, changed }: Change, id: string): Promise<void> {
  const known = copy.get(id)
  if (type === 'issue.archived' || type === 'issue.merged') copy.delete(id)
  else if (known && changed) for (const [name, { to }] of Object.entries(changed)) known[name] = to
  // New here, or live again.
  else copy.set(id, (await tenant.issues.get(id)).properties)
}

const names = ({ changed }: Change) => Object.keys(changed ?? {}).join(', ') || 'no values'

/** Open issues of high priority, the newest change first. */
async function ask(tenant: SpokeTenant): Promise<void> {
  const { issues, count, indexing } = await tenant.issues.list({
    closed: false,
    archived: false,
    priority: ['HIGH', 'URGENT'],
    sort: '-modified_at',
    count: 'exact',
    limit: 3,
  })
  const partly = indexing.length > 0 ? ', of those that are indexed so far' : ''
  console.log(`urgent: ${count} open issues${partly}`)
  for (const issue of issues) console.log(`  ${line(issue)}`)
}

const line = ({ ticket_id, priority, stage_name, subject }: Issue) =>
  `#${ticket_id} ${priority} ${stage_name}: ${subject}`

async function main(): Promise<void> {
  const token = process.env.HUBSPOT_TOKEN
  if (!token) throw new Error('set HUBSPOT_TOKEN to an access token of your HubSpot account')
  const spoke = createSpoke({
    baseUrl: process.env.SPOKE_URL ?? 'http://localhost:8000',
    key: process.env.SPOKE_ADMIN_KEY,
  })
  const tenant = spoke.tenant(process.env.SPOKE_TENANT ?? crypto.randomUUID())
  await connect(tenant, token)
  const after = await readAll(tenant)
  await follow(tenant, after, Number(process.argv[2] ?? 3))
  await ask(tenant)
}

try {
  await main()
} catch (error) {
  const request = error instanceof SpokeError && error.requestId ? ` (request ${error.requestId})` : ''
  console.error(`spoke: ${(error as Error).message}${request}`)
  process.exitCode = 1
}
