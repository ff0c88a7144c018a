/** The spoke command, run to its end as an operator runs it. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'

const spoke = join(import.meta.dirname, '../../bin/spoke.js')

export interface Ran {
  code: number
  out: string
  err: string
}

/** What a command of ours takes over from the tests: nothing that could configure it. */
export const inherited = (): Record<string, string | undefined> => ({
  PATH: process.env.PATH,
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
})

/** @param cwd where `./data` lies */
export function runSpoke(cwd: string, env: Record<string, string>, ...words: string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [spoke, ...words],
      { cwd, env: { ...inherited(), ...env } },
      (error, out, err) => resolve({ code: Number(error?.code ?? 0), out, err }),
    )
  })
}
