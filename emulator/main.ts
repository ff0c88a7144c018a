// The command: node emulator/main.ts --port 9100. Starts the emulator with two accounts to try it at once.
import { parseArgs } from 'node:util'
import { seededUuid } from './random.ts'
import { type Emulator, startEmulator } from './server.ts'

const HELP = `Usage: node emulator/main.ts [--port 9100] [--host 127.0.0.1] [--seed 1] [--tickets 250] [--empty]

  --port     port to listen on (9100; 0 takes a free one)
  --host     address to listen on (127.0.0.1)
  --seed     the same seed gives the same accounts, tickets and demo tokens (1)
  --tickets  tickets of the first demo account (250)
  --empty    start without the demo accounts
  --redirect redirect URL of the demo app, may be repeated
             (http://localhost:8000/api/hubspot/oauth/callback, and the same on 127.0.0.1)
`

const SCOPES = ['oauth', 'tickets', 'crm.objects.owners.read']
// What the demo app need not have and the pasted tokens do.
const MORE = ['crm.objects.contacts.read', 'crm.objects.companies.read', 'crm.objects.deals.read']

function readOptions() {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '9100' },
      host: { type: 'string', default: '127.0.0.1' },
      seed: { type: 'string', default: '1' },
      tickets: { type: 'string', default: '250' },
      empty: { type: 'boolean', default: false },
      redirect: { type: 'string', multiple: true },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const whole = (name: 'port' | 'seed' | 'tickets') => {
    const number = Number(values[name])
    if (!Number.isSafeInteger(number) || number < 0) throw new Error(`--${name} must be a whole number`)
    return number
  }
  return { ...values, port: whole('port'), seed: whole('seed'), tickets: whole('tickets') }
}

function seedDemo({ url, world }: Emulator, tickets: number, redirects: string[]): string {
  const app = world.addApp({ name: 'Demo app', redirect_uris: redirects, required_scopes: SCOPES })
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
    return `  ${one.name.padEnd(16)} portal ${portal.portal_id}  ${one.tickets} tickets  token ${token}`
  })
  const first = lines[0]?.split('token ')[1]
  return `
Accounts
${lines.join('\n')}

OAuth app
  HUBSPOT_CLIENT_ID=${app.client_id}
  HUBSPOT_CLIENT_SECRET=${app.client_secret}
  HUBSPOT_API_URL=${url}
  HUBSPOT_AUTHORIZE_URL=${url}/oauth/authorize
  redirect URLs: ${redirects.join(', ')}

Try it
  curl -H 'Authorization: Bearer ${first}' '${url}/crm/objects/2026-09/tickets?limit=2'
  curl -X POST -H 'Content-Type: application/json' -d '{"kind":"status","status":503}' ${url}/_emulator/faults
`
}

async function main(): Promise<void> {
  const options = readOptions()
  if (options.help) {
    process.stdout.write(HELP)
    return
  }
  const emulator = await startEmulator({ port: options.port, host: options.host, seed: options.seed })
  const callback = '/api/hubspot/oauth/callback'
  const redirects = options.redirect ?? [
    `http://localhost:8000${callback}`,
    `http://127.0.0.1:8000${callback}`,
  ]
  process.stdout.write(
    `HubSpot emulator on ${emulator.url} (control API under /_emulator, see docs/emulator.md)\n`,
  )
  if (!options.empty) process.stdout.write(seedDemo(emulator, options.tickets, redirects))
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
