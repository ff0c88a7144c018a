/**
 * Shared by all commands: the configuration, the log, and messages to the operator on standard
 * error.
 */
import { createInterface } from 'node:readline/promises'
import { readConfig } from '../config.ts'
import { createLog } from '../lib/log.ts'

export const printNotice = (line: string) => process.stderr.write(`${line}\n`)
export const readCommandConfig = () => readConfig(process.env, printNotice)

/** The log of a command: warnings, formatted for people. */
export const commandLog = () => createLog('warn', (line) => printNotice(`spoke: ${asText(line)}`))

/** The message of a log line and its fields, without time, level and stack. */
function asText(line: string): string {
  const { level: _level, time: _time, msg, err, ...facts } = JSON.parse(line) as Record<string, unknown>
  const details = Object.entries(facts).map(([name, value]) => `${name}: ${value}`)
  if (err !== undefined) details.push((err as { message: string }).message)
  return details.length > 0 ? `${msg} (${details.join(', ')})` : String(msg)
}

const answerWithinMs = 10 * 60_000

/**
 * Asks for confirmation on the terminal. Anything but yes is no; so are the end of the input and no
 * answer within ten minutes.
 */
export async function askForConfirmation(
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
