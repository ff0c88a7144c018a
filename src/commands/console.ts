/** What every command shares: the configuration, and a line for the operator that is not its output. */
import { readConfig } from '../config.ts'

export const say = (line: string) => process.stderr.write(`${line}\n`)
export const config = () => readConfig(process.env, say)
