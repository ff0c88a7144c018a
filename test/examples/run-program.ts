/** Runs a program of the project as a user does: in a process and an environment of its own, for a bounded time. */
import { spawn } from 'node:child_process'
import { inherited } from '../support/command.ts'

export interface Ran {
  code: number | null
  stdout: string
  stderr: string
}

/** @param env on top of PATH, HOME, TMPDIR and Node's compile cache; nothing else of the test run's environment leaks in */
export async function runProgram(
  command: string,
  args: readonly string[],
  env: Record<string, string>,
  withinMs: number,
  stdin = '',
): Promise<Ran> {
  const { HOME = '', TMPDIR = '/tmp' } = process.env
  const child = spawn(command, args, { env: { ...inherited(), HOME, TMPDIR, ...env }, stdio: 'pipe' })
  const kill = setTimeout(() => child.kill('SIGTERM'), withinMs)
  // A program that stops its own child at SIGTERM gets the time for it.
  const force = setTimeout(() => child.kill('SIGKILL'), withinMs + 15_000)
  const text = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (chunk) => (text[name] += chunk))
  child.stdin.on('error', () => {})
  child.stdin.end(stdin)
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    return { code, ...text }
  } finally {
    clearTimeout(kill)
    clearTimeout(force)
  }
}
