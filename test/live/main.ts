/**
 * `npm run test:live`: connect, list, full and incremental sync against the real HubSpot, with the token in
 * HUBSPOT_TEST_TOKEN. Reads only, stores what it read in a temporary directory, and removes that. See docs/live-test.md.
 */
import { freePortFrom } from '../../demo/ports.ts'
import { createScreen, seconds } from '../../demo/screen.ts'
import { type SpokeProcess, startSpoke } from '../../demo/spoke-process.ts'
import { createSpoke } from '../../packages/sdk/src/spoke.ts'
import { proveAll } from './steps.ts'

/** Pages of 100 come one after the other, two or three a second: enough for some hundreds of thousands of tickets. */
const deadlineMs = 60 * 60_000

const screen = createScreen()
const stop = new AbortController()

async function main(): Promise<void> {
  const token = process.env.HUBSPOT_TEST_TOKEN?.trim()
  if (!token) {
    process.stderr.write(
      'test:live: set HUBSPOT_TEST_TOKEN to an access token of a HubSpot account (see docs/live-test.md)\n',
    )
    process.exitCode = 2
    return
  }
  let spoke: SpokeProcess | undefined
  let step = 'Spoke starts'
  const timer = setTimeout(() => stop.abort(new Error('it took longer than an hour')), deadlineMs)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => stop.abort(new Error('interrupted')))
  try {
    // A range of its own, so that two concurrent runs do not try the same port.
    const port = await freePortFrom(20_000 + Math.floor(Math.random() * 10_000))
    const base = `http://localhost:${port}`
    const apiUrl = process.env.HUBSPOT_API_URL?.trim()
    // No scheduled run: each run here was requested.
    spoke = startSpoke(base, {
      PORT: String(port),
      SPOKE_SYNC_EVERY: '9999h',
      ...(apiUrl ? { HUBSPOT_API_URL: apiUrl } : {}),
    })
    const signal = AbortSignal.any([stop.signal, spoke.ended])
    await spoke.ready(60_000, signal)
    const named = (name: string) => {
      step = name
    }
    await proveAll(
      { spoke: createSpoke({ baseUrl: base, signal, retry: { attempts: 10 } }), screen, step: named },
      token,
    )
    await spoke.stop()
    screen.line(
      `\nEverything held against ${apiUrl ?? 'https://api.hubapi.com'}, in ${seconds(performance.now())}.`,
    )
  } catch (error) {
    await spoke?.stop(true)
    process.stderr.write(`\ntest:live: "${step}" did not hold: ${(error as Error).message}\n`)
    if (spoke) process.stderr.write(`The log of Spoke: ${spoke.log}\n`)
    process.exitCode = 1
  } finally {
    clearTimeout(timer)
  }
}

await main()
