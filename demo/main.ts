/**
 * `npm run demo`: two tenants, two HubSpot accounts, one Spoke, all on this machine. Stays up until Ctrl-C; with
 * `--exit` it ends 0 when every step held, and 1 with the name of the step that did not.
 */
import { parseArgs } from 'node:util'
import { createSpoke } from '../packages/sdk/src/spoke.ts'
import { createApi } from './api.ts'
import { type DemoHubSpot, startDemoHubSpot } from './hubspot.ts'
import { freePortFrom } from './ports.ts'
import { createScreen, seconds } from './screen.ts'
import { type SpokeProcess, startSpoke } from './spoke-process.ts'
import { play } from './steps.ts'

/** The whole demo takes some ten seconds; a demo that hangs has failed. */
const deadlineMs = 240_000
const help = `Usage: npm run demo -- [--exit] [--port 8000]

  --exit   exit after the last step, with 0 if every step held
  --port   the port of Spoke (8000); if it is taken, the next free one
`

/** Since this process began; its own clock starts there. */
const elapsed = () => performance.now()
const screen = createScreen()
const stop = new AbortController()
let step = 'the start'
let hubspot: DemoHubSpot | undefined
let service: SpokeProcess | undefined

/** Returns the arguments, or undefined after printing help or an error. */
function readArguments(): { exit: boolean; port: number } | undefined {
  try {
    const { values } = parseArgs({
      options: {
        exit: { type: 'boolean', default: false },
        port: { type: 'string', default: '8000' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    const port = Number(values.port)
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      throw new Error('--port must be from 1 to 65535')
    if (!values.help) return { exit: values.exit, port }
    process.stdout.write(help)
  } catch (error) {
    process.stderr.write(`demo: ${(error as Error).message}\n\n${help}`)
    process.exitCode = 2
  }
  return undefined
}

async function run(wanted: number): Promise<void> {
  screen.line(screen.paint('bold', 'Spoke: two tenants, two HubSpot accounts, all on this machine'))
  screen.heading('Start')
  const port = await freePortFrom(wanted)
  const base = `http://localhost:${port}`
  const redirectUri = `${base}/api/hubspot/oauth/callback`

  step = 'the HubSpot emulator starts'
  hubspot = await startDemoHubSpot(redirectUri)
  const { a, b, url } = hubspot
  step = 'Spoke starts'
  service = startSpoke(base, {
    PORT: String(port),
    HUBSPOT_API_URL: url,
    HUBSPOT_AUTHORIZE_URL: `${url}/oauth/authorize`,
    HUBSPOT_CLIENT_ID: hubspot.clientId,
    HUBSPOT_CLIENT_SECRET: hubspot.clientSecret,
    HUBSPOT_REDIRECT_URI: redirectUri,
  })
  screen.held('HubSpot emulator', `${url}  two accounts, ${a.tickets()} and ${b.tickets()} tickets`)
  const signal = AbortSignal.any([stop.signal, service.ended])
  screen.redraw([screen.paint('dim', '    Spoke             makes its embedded database …')])
  await service.ready(150_000, signal)
  screen.redraw([])
  const busy = port === wanted ? '' : `port ${wanted} is taken, so ${port}; `
  screen.held('Spoke', `${base}  embedded database`, `${busy}${seconds(elapsed())} after the start`)
  const api = createApi(base, signal)
  const client = createSpoke({ baseUrl: base, signal, retry: { attempts: 10 } })
  await play({ screen, hubspot, spoke: client, api, base, elapsed, step: (name) => (step = name) })
}

async function tidy(keepLog: boolean): Promise<void> {
  await service?.stop(keepLog)
  await hubspot?.close()
}

async function demo(): Promise<void> {
  const asked = readArguments()
  if (!asked) return
  const timer = setTimeout(
    () => stop.abort(new Error(`it took longer than ${seconds(deadlineMs)}`)),
    deadlineMs,
  )
  let interrupted = false
  const until = new Promise<void>((resolve) => {
    const interrupt = () => {
      interrupted = true
      stop.abort(new Error('interrupted'))
      resolve()
    }
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt)
    // The reader of the output has exited, as `| head` does.
    process.stdout.on('error', interrupt)
  })
  try {
    await run(asked.port)
    clearTimeout(timer)
    if (!asked.exit) {
      screen.line(`\n${screen.paint('dim', 'Both stay up. Ctrl-C ends them and removes what they wrote.')}`)
      await Promise.race([until, whenAborted(service?.ended)])
    }
    await tidy(false)
    if (asked.exit) screen.line(`\nEvery step held, in ${seconds(elapsed())}.`)
  } catch (error) {
    clearTimeout(timer)
    screen.settle()
    // A call that fails because Spoke exited is reported as that; the exit event may arrive a moment later.
    await new Promise((resolve) => setTimeout(resolve, 200))
    const why = (service?.ended.aborted ? service.ended.reason : error) as Error
    await tidy(!interrupted)
    if (interrupted) {
      process.exitCode = 130
      return
    }
    process.stderr.write(`\ndemo: a step did not hold: ${step}\n${why.message}\n`)
    if (service) process.stderr.write(`The log of Spoke: ${service.log}\n`)
    process.exitCode = 1
  }
}

/** Rejects when Spoke exits without being stopped. */
function whenAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    if (signal?.aborted) reject(signal.reason)
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

await demo()
