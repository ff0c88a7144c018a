// The command: npm run emulator -- --port 9100. Starts the emulator with two accounts to try it at once.
import { parseArgs } from 'node:util'
import { seededUuid } from './random.ts'
import { type Emulator, startEmulator } from './server.ts'

const HELP = `Usage: npm run emulator -- [--port 9100] [--host 127.0.0.1] [--seed 1] [--tickets 250] [--spoke-port 8000] [--empty]

  --port        port to listen on (9100; 0 takes a free one)
  --host        address to listen on (127.0.0.1)
  --seed        the same seed gives the same accounts, tickets and demo tokens (1)
  --tickets     tickets of the first demo account (250)
  --spoke-port  port of the Spoke that the demo app belongs to: its redirect URL and its webhooks (8000)
  --redirect    another redirect URL of the demo app in place of that, may be repeated
  --empty       start without the demo accounts
`

const SCOPES = ['oauth', 'tickets', 'crm.objects.owners.read']
// What the demo app need not have and the pasted tokens do.
const MORE = ['crm.objects.contacts.read', 'crm.objects.companies.read', 'crm.objects.deals.read']

/** What Spoke reads again as soon as a webhook names it. */
const SUBSCRIPTIONS = [
  ...['creation', 'deletion', 'merge', 'restore', 'associationChange'].map((type) => `object.${type}`),
  ...['subject', 'content', 'hs_pipeline_stage', 'hs_ticket_priority', 'hubspot_owner_id'].map(
    (name) => `object.propertyChange:${name}`,
  ),
]

function readOptions() {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '9100' },
      host: { type: 'string', default: '127.0.0.1' },
      seed: { type: 'string', default: '1' },
      tickets: { type: 'string', default: '250' },
      'spoke-port': { type: 'string', default: '8000' },
      empty: { type: 'boolean', default: false },
      redirect: { type: 'string', multiple: true },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const whole = (name: 'port' | 'seed' | 'tickets' | 'spoke-port') => {
    const number = Number(values[name])
    if (!Number.isSafeInteger(number) || number < 0) throw new Error(`--${name} must be a whole number`)
    return number
  }
  const spokePort = whole('spoke-port')
  return { ...values, port: whole('port'), seed: whole('seed'), tickets: whole('tickets'), spokePort }
}

type Options = ReturnType<typeof readOptions>

function seedDemo({ url, world }: Emulator, { tickets, spokePort, redirect }: Options): string {
  const callback = '/api/hubspot/oauth/callback'
  const hosts = ['localhost', '127.0.0.1'].map((host) => `http://${host}:${spokePort}`)
  const redirects = redirect ?? hosts.map((host) => `${host}${callback}`)
  const app = world.addApp({ name: 'Demo app', redirect_uris: redirects, required_scopes: SCOPES })
  world.setWebhooks(app.client_id, {
    target_url: `${hosts[0]}/api/hubspot/webhooks`,
    subscriptions: SUBSCRIPTIONS,
  })
  const exported = {
    HUBSPOT_API_URL: url,
    HUBSPOT_AUTHORIZE_URL: `${url}/oauth/authorize`,
    HUBSPOT_CLIENT_ID: app.client_id,
    HUBSPOT_CLIENT_SECRET: app.client_secret,
    HUBSPOT_APP_ID: String(app.app_id),
    ...(redirect?.[0] ? { HUBSPOT_REDIRECT_URI: redirect[0] } : {}),
    PORT: String(spokePort),
  }
  const demo = [
    { name: 'Northwind Bikes', hub_domain: 'northwind-bikes.example.com', tickets, time_zone: 'US/Eastern' },
    {
      name: 'Fjord Coffee',
      hub_domain: 'fjord-coffee.example.com',
      tickets: 60,
      hublet: 'eu1',
      time_zone: 'Europe/Oslo',
    },
  ]
  const lines = demo.map((one, i) => {
    const portal = world.addPortal({ ...one, associations: { contacts: 2, companies: 1, deals: 1 } })
    const token = `pat-${portal.hublet}-${seededUuid(world.seed, i, 21)}`
    world.addToken(portal.portal_id, { kind: 'private_app', token, scopes: [...SCOPES, ...MORE] })
    return `  ${one.name.padEnd(16)} portal ${portal.portal_id}  ${one.tickets} tickets\n    token ${token}`
  })
  const first = lines[0]?.split('token ')[1]
  return `
Accounts
${lines.join('\n')}

Run Spoke against it: paste these lines in another terminal
${Object.entries(exported)
  .map(([name, value]) => `  export ${name}=${value}`)
  .join('\n')}
  npm start

Try it
  curl -H 'Authorization: Bearer ${first}' \\
    '${url}/crm/objects/2026-09/tickets?limit=2'
  curl -X POST -d '{"kind":"status","status":503}' ${url}/_emulator/faults
`
}

async function main(): Promise<void> {
  const options = readOptions()
  if (options.help) {
    process.stdout.write(HELP)
    return
  }
  const emulator = await startEmulator({ port: options.port, host: options.host, seed: options.seed })
  process.stdout.write(
    `HubSpot emulator on ${emulator.url} (control API under /_emulator, see its README.md)\n`,
  )
  if (!options.empty) process.stdout.write(seedDemo(emulator, options))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void emulator.close().then(() => process.exit(0))
    })
  }
}

main().catch((error: Error & { code?: string }) => {
  const text = error.code === 'EADDRINUSE' ? 'that port is in use; choose another with --port' : error.message
  process.stderr.write(`emulator: ${text}\n`)
  process.exitCode = 1
})
