/** The watchdog ends a process whose event loop is blocked, with a log line, and no other process. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

const watchdog = join(import.meta.dirname, '../../src/lib/watchdog.ts')
const stuckMs = 1_000

interface How {
  flags?: string[]
  /** The command that starts it. */
  wrapper?: string[]
}

/** A program with a watchdog that then runs the code in `then`. */
function start(then: string, { flags = [], wrapper = [] }: How = {}) {
  const program = `
    import { startWatchdog } from ${JSON.stringify(watchdog)}
    const dog = startWatchdog(${stuckMs}, process.cwd(), console)
    const spin = () => { for (;;); }
    // Blocks the loop as spinning does, without using the processor.
    const hold = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
    process.on('SIGTERM', () => process.exit(7))
    setInterval(() => {}, 1000)
    console.log('runs')
    ${then}`
  const words = [...wrapper, process.execPath, ...flags, '--input-type=module-typescript', '-e', program]
  const child = spawn(words[0] as string, words.slice(1))
  let err = ''
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  const exit = once(child, 'exit')
  return { child, exit, err: () => err, runs: once(child.stdout, 'data') }
}

test('a process with a blocked loop is killed, though it handles no signal', async () => {
  const { child, exit, err, runs } = start('dog.started(); setTimeout(spin, 300)')
  await runs
  await sleep(500)
  child.kill('SIGTERM')
  const [code, signal] = await exit
  assert.deepEqual([code, signal], [null, 'SIGKILL'])
  const line = JSON.parse(err())
  assert.equal(line.level, 'fatal')
  assert.match(line.msg, /^the event loop is blocked; the process ends/)
  assert.ok(line.blocked_s >= 1)
  assert.equal(typeof line.free_mib, 'number')
})

const unshare = ['unshare', '--fork', '--pid', '--kill-child']
const mayUnshare = spawnSync('unshare', [...unshare.slice(1), 'true']).status === 0

test(
  'as PID 1, which it cannot end, it warns at the start and logs its line once',
  { skip: !mayUnshare && 'no PID namespace may be made here' },
  async () => {
    const { child, exit, err, runs } = start('dog.started(); setTimeout(hold, 300)', { wrapper: unshare })
    await runs
    await sleep(3 * stuckMs)
    child.kill('SIGKILL')
    await exit
    assert.match(err(), /^the service is PID 1, which the watchdog cannot end/)
    assert.equal(err().match(/the event loop is blocked/g)?.length, 1)
  },
)

const spared: [what: string, then: string, flags?: string[]][] = [
  ['that works', 'dog.started()'],
  ['during its start', 'setTimeout(hold, 100, 2500)'],
  ['that a debugger may hold', 'dog.started(); setTimeout(hold, 300, 2500)', ['--inspect=127.0.0.1:0']],
]
for (const [what, then, flags] of spared)
  test(`a loop ${what} is left alone`, async () => {
    const { child, exit, runs } = start(then, { flags: flags ?? [] })
    await runs
    await sleep(3_500)
    child.kill('SIGTERM')
    assert.deepEqual(await exit, [7, null])
  })

test('time in which all of the process was stopped does not count', async () => {
  const { child, exit, runs } = start('dog.started()')
  await runs
  await sleep(300)
  child.kill('SIGSTOP')
  await sleep(3 * stuckMs)
  child.kill('SIGCONT')
  await sleep(500)
  child.kill('SIGTERM')
  assert.deepEqual(await exit, [7, null])
})
