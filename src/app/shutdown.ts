/** What a process has started and opened so far, and the order in which it is closed. */
import type { Log } from '../lib/log.ts'

type Close = () => Promise<unknown>

export interface Shutdown {
  /** Closed one by one, the last opened first. */
  resources: Close[]
  /** Server and worker: stopped first, concurrently. */
  running: Close[]
}

/** A resource that fails to close does not keep the others open. */
export async function shutDown({ resources, running }: Shutdown, log: Log): Promise<void> {
  const close = (part: Close) =>
    part().catch((err: unknown) => log.warn({ err }, 'a part of the service could not be closed'))
  await Promise.all(running.map(close))
  for (const part of resources.toReversed()) await close(part)
}
