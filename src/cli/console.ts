/** What every command shares: the configuration, and a line for the operator that is not its output. */
import { createInterface } from 'node:readline/promises'
import { readConfig } from '../config.ts'
import { createLog } from '../lib/log.ts'

export const say = (line: string) => process.stderr.write(`${line}\n`)
export const config = () => readConfig(process.env, say)

/** The log of a command: warnings, as lines for a person. */
export const commandLog = () => createLog('warn', (line) => say(`spoke: ${asText(line)}`))

/** The words of a line of the log, and what it says besides, without time, level and stack. */
function asText(line: string): string {
  const { level: _level, time: _time, msg, err, ...facts } = JSON.parse(line) as Record<string, unknown>
  const details = Object.entries(facts).map(([name, value]) => `${name}: ${value}`)
  if (err !== undefined) details.push((err as { message: string }).message)
  return details.length > 0 ? `${msg} (${details.join(', ')})` : String(msg)
}

const answerWithinMs = 10 * 60_000

/** Asks on the terminal. Anything but yes is no, and so is the end of the input, or no answer within ten minutes. */
export async function confirmed(
  question: string,
  input: NodeJS.ReadableStream = process.stdin,
  output: NodeJS.WritableStream = process.stderr,
): Promise<boolean> {
  const terminal = createInterface({ input, output })
  const gone = new AbortController()
  terminal.once('close', () => gone.abort())
  const signal = AbortSignal.any([gone.signal, AbortSignal.timeout(answerWithinMs)])
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `, { signal })).trim())
  } catch {
    return false
  } finally {
    terminal.close()
  }
}
