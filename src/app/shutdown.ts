/** What a process has started and opened so far, and the order in which it ends. */
import type { Log } from '../lib/log.ts'

type Close = () => Promise<unknown>

export interface Shutdown {
  /** Closed one after the other, the last first. */
  resources: Close[]
  /** Server and worker: stopped first, and at the same time. */
  running: Close[]
}

/** One part that cannot be closed keeps nobody else open. */
export async function shutDown({ resources, running }: Shutdown, log: Log): Promise<void> {
  const close = (part: Close) =>
    part().catch((err: unknown) => log.warn({ err }, 'a part of the service could not be closed'))
  await Promise.all(running.map(close))
  for (const part of resources.toReversed()) await close(part)
}
