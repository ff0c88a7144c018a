/**
 * Calls two services as a product does, five times a second each, in a thread of its own, so that its figures do not depend on the load of the
 * attack next to it. Ends at the given time; then reports the number of responses per status, and how long each took, ms.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { send } from './send.ts'

export interface Victim {
  urls: string[]
  paths: string[]
  headers: Record<string, string>
  /** Epoch ms. */
  until: number
}

export interface Served {
  tally: Record<string, number>
  took: number[]
}

const { urls, paths, headers, until } = workerData as Victim
const served: Served = { tally: {}, took: [] }
const asked: Promise<void>[] = []

async function ask(url: string, path: string): Promise<void> {
  const began = performance.now()
  const answer = await send(url, { path, headers, withinMs: 20_000 }).catch(() => undefined)
  served.took.push(performance.now() - began)
  const status = String(answer?.status ?? 'no answer')
  served.tally[status] = (served.tally[status] ?? 0) + 1
}

for (let n = 0; Date.now() < until; n++) {
  for (const url of urls) asked.push(ask(url, paths[n % paths.length] as string))
  await new Promise((resolve) => setTimeout(resolve, 200))
}
await Promise.all(asked)
parentPort?.postMessage(served)
