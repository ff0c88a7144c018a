/** The spoke command, run to its end as an operator runs it. */
import { type ChildProcess, execFile, fork } from 'node:child_process'
import { once } from 'node:events'
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

/** In a process of its own. @param cwd the parent of `./data` */
export function startSpoke(cwd: string, env: Record<string, string>, ...words: string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [spoke, ...words],
      { cwd, env: { ...inherited(), ...env } },
      (error, out, err) => resolve({ code: Number(error?.code ?? 0), out, err }),
    )
  })
}

let host: ChildProcess | undefined
let last: Promise<unknown> = Promise.resolve()

/**
 * The same in a process that carries out one command after the other, for tests with many: most of what a command costs is
 * its start. Exit codes and the command line itself are tested with startSpoke.
 */
export function runSpoke(cwd: string, env: Record<string, string>, ...words: string[]): Promise<Ran> {
  const next = last.then(async () => {
    const one = host ?? fork(join(import.meta.dirname, 'command-host.ts'))
    host = one
    one.ref()
    one.channel?.ref()
    one.send({ cwd, env, words })
    try {
      const [done] = await once(one, 'message', { signal: AbortSignal.timeout(170_000) })
      // While idle, it does not prevent the process from exiting.
      one.unref()
      one.channel?.unref()
      return done as Ran
    } catch (error) {
      one.kill()
      host = undefined
      throw error
    }
  })
  last = next.catch(() => {})
  return next
}
