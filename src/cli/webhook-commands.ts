/** `spoke webhooks`: how to configure the app at HubSpot so that its webhooks are sent here. */
import type { Command } from 'commander'
import { StartError } from '../app/preflight.ts'
import type { Budget } from '../hubspot/budget/budget.ts'
import { createHubSpot } from '../hubspot/client/client.ts'
import { HubSpotError } from '../hubspot/hubspot-error.ts'
import {
  createWebhookRegistration,
  planWebhooks,
  type WebhookPlan,
  webhookFile,
} from '../hubspot/webhook-setup.ts'
import { ticketProperties } from '../issues/properties.ts'
import { systemClock } from '../lib/clock.ts'
import { createMetrics } from '../lib/metrics.ts'
import { createEgress } from '../lib/proxy.ts'
import { askForConfirmation, commandLog, printNotice, readCommandConfig } from './console.ts'

const withinMs = 120_000
/** These calls are made as the app, so they count against no account's limit. */
const noBudget: Budget = { take: async () => {}, pause: async () => 0, answered: async () => {} }

interface Options {
  property: string[]
  register?: boolean
  yes?: boolean
  json?: boolean
}

export function addWebhookCommands(program: Command): void {
  program
    .command('webhooks')
    .description('the app’s webhooks at HubSpot')
    .command('setup')
    .description(
      'print the subscription file for the app’s HubSpot project (src/app/webhooks/webhooks-hsmeta.json); use --register for an app without a project',
    )
    .option(
      '--property <name>',
      'a property whose changes should arrive at once, besides those that Spoke knows; can be repeated',
      (name: string, all: string[]) => [...all, name],
      [],
    )
    .option('--register', 'register with HubSpot’s API instead; the app’s other subscriptions stay')
    .option('--yes', 'with --register: replace what is registered without asking')
    .option('--json', 'with --register: print what was done as JSON')
    .action(async ({ property, register, yes, json }: Options) => {
      const read = readCommandConfig()
      const { app } = read.hubspot
      const target = `${read.publicUrl}/api/hubspot/webhooks`
      if (!target.startsWith('https://'))
        printNotice(`spoke: HubSpot calls https addresses only, and SPOKE_PUBLIC_URL is ${read.publicUrl}`)
      const properties = [...ticketProperties, ...property]
      if (!register) return console.log(JSON.stringify(webhookFile(target, properties), null, 2))
      if (!app?.appId)
        throw new StartError('HUBSPOT_APP_ID, HUBSPOT_CLIENT_ID and HUBSPOT_CLIENT_SECRET must be set')
      const { apiUrl, timeoutMs } = read.hubspot
      const log = commandLog()
      const egress = createEgress(read.proxies, systemClock, log)
      const hubspot = createHubSpot({
        apiUrl,
        timeoutMs,
        budget: noBudget,
        clock: systemClock,
        metrics: createMetrics(),
        log,
        egress,
      })
      try {
        const registration = createWebhookRegistration(hubspot, app, app.appId, target, properties)
        const there = await registration.read(AbortSignal.timeout(withinMs)).catch(refused)
        const plan = planWebhooks(there, target, properties)
        if (plan.replaced.length > 0 && !yes) await confirmPlan(plan)
        await registration.apply(there, AbortSignal.timeout(withinMs)).catch(refused)
        if (json) return console.log(JSON.stringify({ target, ...plan }))
        console.log(`HubSpot sends to ${target}`)
        for (const one of plan.replaced) console.log(`replaced   ${one}`)
        for (const one of plan.added) console.log(`added      ${one}`)
        for (const one of plan.activated) console.log(`activated  ${one}`)
        console.log(`${plan.unchanged} were already registered`)
      } finally {
        await hubspot.close()
        await egress?.close()
      }
    })
}

/** @throws StartError when the operator does not agree; nothing was changed */
async function confirmPlan({ replaced, added, others }: WebhookPlan): Promise<void> {
  printNotice(
    'This app already has webhooks at HubSpot, for every account that installed it. This would replace:',
  )
  for (const one of replaced) printNotice(`  ${one}`)
  printNotice(`This would add ${added.length} subscriptions. ${others.length} others stay.`)
  if (!process.stdin.isTTY) throw new StartError('nothing was changed; add --yes to replace these')
  if (!(await askForConfirmation('Replace it?'))) throw new StartError('nothing was changed')
}

function refused(error: unknown): never {
  if (!(error instanceof HubSpotError)) throw error
  throw new StartError(
    `HubSpot refused the request (${error.message}${error.category ? `, ${error.category}` : ''}); changes made so far remain, and you can run the command again`,
  )
}
