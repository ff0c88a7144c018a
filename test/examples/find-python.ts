/** A python3 of this machine that has httpx, when there is one. */
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { runProgram } from './run-program.ts'

export const noPython =
  'no python3 on this machine has httpx (pip install httpx); SPOKE_TEST_PYTHON names one'

/** SPOKE_TEST_PYTHON first, then each python3 on PATH, then the usual places. */
export async function findPython(): Promise<string | undefined> {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin']
  const named = process.env.SPOKE_TEST_PYTHON
  const candidates = new Set([...(named ? [named] : []), ...folders.map((folder) => join(folder, 'python3'))])
  for (const python of candidates) {
    if (!existsSync(python)) continue
    const { code } = await runProgram(python, ['-c', 'import httpx'], {}, 10_000).catch(() => ({ code: 1 }))
    if (code === 0) return python
  }
  return undefined
}
