/** The script that renders the API reference: 5 MB, of which only 1.4 MB compressed stay in memory. */
import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { AppError } from '../../lib/errors.ts'

const manifest = new URL('../package.json', import.meta.resolve('@scalar/fastify-api-reference'))

/** Of the package: its script changes only with it. */
export const { version: scriptVersion } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }

/** Enough for a busy machine; it takes about a second. */
const maxMs = 30_000

/**
 * The package is a module that contains the script as text. An import at the start would block it
 * for 0.1 seconds and keep 30 MB, also in a process whose page nobody opens. So a thread imports it
 * on the first request, and ends.
 *
 * @returns reads the script, compressed with gzip; once it has been read, always the same bytes
 */
export function createScriptReader(): () => Promise<Buffer> {
  let script: Promise<Buffer> | undefined
  return () => {
    script ??= readInThread().catch((error) => {
      script = undefined
      throw error
    })
    return script
  }
}

/** @throws AppError unavailable */
async function readInThread(): Promise<Buffer> {
  const thread = new Worker(new URL('./reference-thread.ts', import.meta.url), {
    name: 'api reference',
    env: {},
    // Do not inherit the service's heap size.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16 },
  })
  thread.unref()
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
  thread.once('message', resolve)
  thread.once('error', reject)
  thread.once('exit', () => reject(new Error('The thread ended without a result')))
  const timeout = setTimeout(() => reject(new Error('The thread takes too long')), maxMs).unref()
  try {
    return Buffer.from((await promise).buffer)
  } catch (cause) {
    throw new AppError('unavailable', 'The API reference cannot be shown now', { cause, retryAfter: 5 })
  } finally {
    clearTimeout(timeout)
    await thread.terminate()
  }
}
