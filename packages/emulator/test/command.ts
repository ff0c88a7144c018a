/** The emulator's command as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

export const MAIN = join(import.meta.dirname, '../src/main.ts')

/** Runs the command on a free port until it has printed what it prints at the start; `t` ends it. */
export async function startCommand(
  t: TestContext,
  ...args: string[]
): Promise<{ child: ChildProcess; text: string; url: string }> {
  const child = spawn(process.execPath, [MAIN, '--port', '0', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  let text = ''
  child.stdout?.setEncoding('utf8')
  for await (const chunk of child.stdout ?? []) {
    text += chunk
    if (args.includes('--empty') ? text.includes('\n') : text.includes('/_emulator/faults\n')) break
  }
  return { child, text, url: /http:\/\/[\d.]+:\d+/.exec(text)?.[0] ?? '' }
}
