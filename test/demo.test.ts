/** The demo, with its output piped into a file; and that it fails when HubSpot and Spoke disagree. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, test } from 'node:test'
import { createApi } from '../demo/api.ts'
import { type DemoHubSpot, startDemoHubSpot } from '../demo/hubspot.ts'
import { freePortFrom } from '../demo/ports.ts'
import { createScreen } from '../demo/screen.ts'
import { play } from '../demo/steps.ts'
import { createSpoke } from '../packages/sdk/src/spoke.ts'
import { runProgram } from './examples/run-program.ts'
import { inherited } from './support/command.ts'
import { startTestService } from './support/service.ts'

const script = join(import.meta.dirname, '../demo/main.ts')
/** Far from 8000, which the specification's own test needs for itself. */
const port = 18_000

test(
  'the demo runs all its steps and exits with 0, also when its port is taken',
  { timeout: 235_000 },
  async (t) => {
    const taken = createServer().listen(port, '127.0.0.1')
    await once(taken, 'listening')
    const scratch = mkdtempSync(join(tmpdir(), 'spoke-demo-test-'))
    const args = [script, '--exit', '--port', String(port)]
    const { code, stdout, stderr } = await runProgram(process.execPath, args, { TMPDIR: scratch }, 230_000)
    taken.close()
    assert.equal(code, 0, `${stdout}\n${stderr}`)
    assert.equal(stderr, '')

    await t.test('each step is printed, in its order', () => {
      const steps = [
        /✓ HubSpot emulator .* 1000 and 250 tickets/,
        /✓ Spoke +http:\/\/localhost:\d+ .*port \d+ is taken/,
        /✓ Tenant A .* by OAuth/,
        /✓ Tenant B .* by a pasted token/,
        /✓ Synced +1,250 tickets/,
        /✓ Compared /,
        /✓ Incremental sync +3 changed, 1 new, nothing else/,
        /~ #\d+ +priority +LOW → URGENT/,
        /~ #\d+ +subject +".+" → "/,
        /\+ #\d+ +new +"/,
        /✓ A asks for A +200/,
        /✓ B asks for A +404 +Integration not found/,
        /^ +A +Northwind Bikes \(\d+\) +OAuth +1,001 +1,001 /m,
        /^ +B +Fjord Coffee \(\d+\) +pasted token +250 +250 /m,
        /Every step held, in \d+\.\d s/,
      ]
      let at = 0
      for (const step of steps) {
        const found = stdout.slice(at).search(step)
        assert.notEqual(found, -1, `${step} is missing after:\n${stdout.slice(0, at)}`)
        at += found
      }
    })

    await t.test('the first synced ticket is printed with its time', () => {
      const first = /✓ First ticket +#\d+ ".+" +(\d+\.\d) s after the start/.exec(stdout)
      assert.ok(first)
      t.diagnostic(`first synced ticket after ${first[1]} s`)
    })

    await t.test('the progress of both syncs is shown as a few plain lines that end at their totals', () => {
      assert.match(stdout, /Northwind Bikes +100 % +1,000 \/ 1,000/)
      assert.match(stdout, /Fjord Coffee +100 % +250 \/ 250/)
      assert.ok(stdout.split('\n').filter((line) => / % /.test(line)).length <= 8)
    })

    await t.test('the lines to paste carry real ids', () => {
      const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
      for (const name of ['TENANT', 'INTEGRATION', 'OTHER'])
        assert.match(stdout, new RegExp(`^  ${name}=${uuid}$`, 'm'))
      assert.match(stdout, /^ {2}SPOKE=http:\/\/localhost:\d+$/m)
      assert.match(stdout, /^ {2}curl "\$SPOKE\/api\/hubspot\/issues\/\$TENANT\?limit=3"$/m)
      const wide = stdout
        .slice(stdout.indexOf('Try it'))
        .split('\n')
        .filter((line) => line.length > 80)
      assert.deepEqual(wide, [])
    })

    await t.test('a pipe gets no control characters', () => {
      assert.doesNotMatch(stdout, /[\x00-\x09\x0b-\x1f\x7f]/)
    })

    await t.test('nothing is left behind', () => {
      assert.deepEqual(readdirSync(scratch), [])
      rmSync(scratch, { recursive: true })
    })
  },
)

test(
  'an interrupt in the middle ends the demo and its service, and nothing is left behind',
  { timeout: 60_000 },
  async () => {
    const scratch = mkdtempSync(join(tmpdir(), 'spoke-demo-test-'))
    const args = [script, '--port', String(port + 200)]
    const demo = spawn(process.execPath, args, {
      env: { ...inherited(), HOME: process.env.HOME, TMPDIR: scratch },
    })
    let [shown, faults] = ['', '']
    demo.stderr.on('data', (chunk) => (faults += chunk))
    // In the middle: the emulator is up, Spoke is being started.
    demo.stdout.on('data', (chunk) => {
      shown += chunk
      if (shown.includes('HubSpot emulator')) demo.kill('SIGTERM')
    })
    const [code] = await once(demo, 'close')
    assert.deepEqual([code, faults], [130, ''])
    assert.deepEqual(readdirSync(scratch), [])
    rmSync(scratch, { recursive: true })
    await assert.rejects(fetch(`http://127.0.0.1:${port + 200}/livez`))
  },
)

describe('a step of the demo that does not hold ends it', () => {
  /** The demo against a HubSpot that disagrees with what Spoke got. @returns the step it ended at */
  async function playedAgainst(lie: (hubspot: DemoHubSpot) => Partial<DemoHubSpot>): Promise<string> {
    const own = await freePortFrom(port + 300)
    const base = `http://localhost:${own}`
    const hubspot = await startDemoHubSpot(`${base}/api/hubspot/oauth/callback`)
    const spoke = await startTestService(hubspot.url, {
      PORT: String(own),
      HUBSPOT_CLIENT_ID: hubspot.clientId,
      HUBSPOT_CLIENT_SECRET: hubspot.clientSecret,
      HUBSPOT_REDIRECT_URI: `${base}/api/hubspot/oauth/callback`,
    })
    let step = ''
    try {
      const screen = createScreen(new PassThrough().resume() as unknown as NodeJS.WriteStream, false)
      const signal = AbortSignal.timeout(30_000)
      const api = createApi(base, signal)
      const client = createSpoke({ baseUrl: base, signal })
      const shown = { ...hubspot, ...lie(hubspot) }
      const named = (name: string) => {
        step = name
      }
      await assert.rejects(
        play({ screen, spoke: client, api, base, hubspot: shown, elapsed: () => 0, step: named }),
      )
      return step
    } finally {
      await spoke.stop()
      await hubspot.close()
    }
  }

  test('where an issue differs from its ticket', async () => {
    const step = await playedAgainst((hubspot) => ({
      truth: (hubId) => {
        const all = hubspot.truth(hubId)
        const [id] = [...all.keys()].slice(-1)
        return all.set(id as string, { subject: 'Something else', priority: null })
      },
    }))
    assert.equal(step, 'the copies equal what HubSpot has')
  })

  test('where more arrives than was changed', async () => {
    const step = await playedAgainst((hubspot) => ({
      work: (hubId) => hubspot.work(hubId).slice(1),
    }))
    assert.equal(step, 'an incremental sync brings exactly what changed')
  })
})
