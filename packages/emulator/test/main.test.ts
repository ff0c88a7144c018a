// The command: it starts with two accounts to try, prints what is needed, and stops on a signal.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { MAIN, startCommand } from './command.ts'
import { ask, TICKETS } from './help.ts'

test('it seeds two accounts, prints tokens that work, and the same ones for the same seed', async (t) => {
  const [{ child, text, url }, again] = await Promise.all([
    startCommand(t, '--seed', '7', '--tickets', '12'),
    startCommand(t, '--seed', '7', '--tickets', '12'),
  ])
  const tokens = text.match(/pat-\w+-[0-9a-f-]{36}/g) ?? []
  const portals = [...text.matchAll(/portal (\d+)/g)].map((one) => one[1])
  assert.equal(new Set(portals).size, 2)
  for (const token of new Set(tokens)) assert.equal((await ask(url, 'GET', TICKETS, { token })).status, 200)
  assert.deepEqual(again.text.match(/pat-\w+-[0-9a-f-]{36}/g), tokens)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const one = signal === 'SIGTERM' ? child : again.child
    one.kill(signal)
    assert.deepEqual(await once(one, 'exit'), [0, null])
  }
})

test('--empty starts without accounts, a port in use and a bad option are said in one line', async (t) => {
  const { text, url } = await startCommand(t, '--empty')
  assert.doesNotMatch(text, /pat-/)
  assert.deepEqual((await ask(url, 'GET', '/_emulator')).json.portals, [])
  const wrong = [
    ['--port', new URL(url).port],
    ['--port', 'nine'],
    ['--colour', 'red'],
  ]
  const ends = wrong.map(async (args) => {
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
    let errors = ''
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      errors += chunk
    })
    assert.deepEqual(await once(child, 'close'), [1, null])
    assert.match(errors, /^emulator: /)
    assert.doesNotMatch(errors, /\n\s+at /)
  })
  await Promise.all(ends)
})
