/** Runs commands one after the other in one process: starting one costs more than most commands do. See command.ts. */
import { runCommand } from '../../src/cli/run.ts'

interface Order {
  cwd: string
  env: Record<string, string>
  words: string[]
}

/** What ends a process here ends the command alone. */
class Exit extends Error {
  readonly code: number
  constructor(code: number) {
    super(`exit ${code}`)
    this.code = code
  }
}

const { stdout, stderr } = process

async function carryOut({ cwd, env, words }: Order) {
  const said = { out: '', err: '' }
  const into = (key: keyof typeof said) => (text: string | Uint8Array) => {
    said[key] += typeof text === 'string' ? text : Buffer.from(text).toString()
    return true
  }
  const saved = [stdout.write, stderr.write, process.exit] as const
  process.chdir(cwd)
  for (const name of Object.keys(process.env)) delete process.env[name]
  Object.assign(process.env, env)
  stdout.write = into('out') as typeof stdout.write
  stderr.write = into('err') as typeof stderr.write
  process.exit = ((code?: number) => {
    throw new Exit(Number(code ?? 0))
  }) as typeof process.exit
  process.exitCode = 0
  try {
    await runCommand(words)
    return { code: Number(process.exitCode), ...said }
  } catch (error) {
    if (!(error instanceof Exit)) throw error
    return { code: error.code, ...said }
  } finally {
    ;[stdout.write, stderr.write, process.exit] = saved
    process.exitCode = 0
  }
}

process.on('message', async (order: Order) => {
  const done = await carryOut(order).catch((error: unknown) => ({ code: 70, out: '', err: String(error) }))
  process.send?.(done)
})
process.on('disconnect', () => process.exit())
